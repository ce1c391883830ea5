"""A table that is missing, refused, busy or slow to answer: what the app makes of it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import HttpRequest

from shared.model.errors import StorageUnavailable
from shared.model.pending import Pending
from shared.storage.accounts import StorageAccount
from shared.storage.outbox import Outbox
from shared.storage.tables import Table, Written
from tests.storage.conftest import account_of
from tests.support.clock import FakeClock
from tests.support.storage_server import Reply, StorageServer, error

ROW = {"PartitionKey": "p", "RowKey": "r"}
OPERATIONS = {
    "insert": lambda table: table.insert(ROW),
    "merge": lambda table: table.merge(ROW),
    "merge by ETag": lambda table: table.merge(ROW, etag="e"),
    "replace": lambda table: table.replace(ROW, etag="e"),
    "upsert": lambda table: table.upsert(ROW),
    "delete": lambda table: table.delete(ROW, etag="e"),
    "delete_all": lambda table: table.delete_all([(ROW, "e")]),
    "transact": lambda table: table.transact([("delete", ROW, "e")]),
    "get": lambda table: table.get("p", "r"),
    "query": lambda table: table.query("PartitionKey gt @last", {"last": ""}, most=1),
}


@pytest.fixture
def refused(service: StorageServer) -> Table:
    """Return a table of a service that answers as the test says."""
    return Table(account_of(service.connection_string), "airflowoutbox")


@pytest.mark.stack
def test_table_is_made_with_the_first_row(account: StorageAccount) -> None:
    """A fresh deployment needs no step by hand."""
    table = Table(account, "fresh")

    assert table.merge(ROW) is Written.GONE
    assert table.insert(ROW) is Written.DONE
    assert table.get("p", "r") == ROW


@pytest.mark.stack
def test_table_is_made_with_the_first_state(account: StorageAccount) -> None:
    """A hold may be the first that is ever written."""
    Table(account, "fresh").upsert(ROW)

    assert Table(account, "fresh").get("p", "r") == ROW


@pytest.mark.stack
def test_table_is_made_by_many_at_once(account: StorageAccount) -> None:
    """All instances meet the first outage together: nobody's row is lost."""
    together = threading.Barrier(8)

    def insert(number: int) -> Written:
        table = Table(account, "fresh")
        together.wait()
        return table.insert({"PartitionKey": "p", "RowKey": str(number)})

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(insert, range(8)))

    found = Table(account, "fresh").query("PartitionKey gt @last", {"last": ""}, most=100)
    assert done == [Written.DONE] * 8
    assert len(found) == 8


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AuthorizationPermissionMismatch"),
        (403, "AuthorizationFailure"),
        (401, "NoAuthenticationInformation"),
    ],
)
def test_refused_role_is_one_clear_error(
    refused: Table, service: StorageServer, operation: str, status: int, code: str
) -> None:
    """It names the table, the role, the account's settings and storage's own code, and is not tried again."""
    service.answer = lambda *_: error(status, code)

    with pytest.raises(StorageUnavailable) as caught:
        OPERATIONS[operation](refused)

    assert str(caught.value) == (
        f"Storage refused access to the table airflowoutbox ({status} {code}). Give the app's identity "
        "the role 'Storage Table Data Contributor' on the account of AzureWebJobsStorage."
    )
    assert len(service.asked) == 1


def test_refused_role_is_named_where_the_table_is_to_be_made(refused: Table, service: StorageServer) -> None:
    """A role that may write rows, but not make tables."""

    def answer(method: str, path: str) -> Reply:
        return error(403, "AuthorizationFailure") if path.endswith("/Tables") else error(404, "TableNotFound")

    service.answer = answer

    with pytest.raises(StorageUnavailable, match="Storage Table Data Contributor"):
        refused.insert(ROW)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_identity_without_a_token_is_said(service: StorageServer, operation: str) -> None:
    """There is no answer then, no status, and no role to give; it passes, so it is tried again."""
    account = account_of(service.connection_string)

    def send(request: HttpRequest, **_: Any) -> None:
        msg = "ManagedIdentityCredential authentication unavailable"
        raise ClientAuthenticationError(msg)

    account._transport.send = send

    with pytest.raises(StorageUnavailable, match="The app's identity got no token for the table airflowdead"):
        OPERATIONS[operation](Table(account, "airflowdead"))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_service_that_stays_busy_is_an_error_that_says_so(
    refused: Table, service: StorageServer, operation: str
) -> None:
    """After three tries; the outbox goes on trying where it matters."""
    with pytest.raises(StorageUnavailable, match=r"^The table airflowoutbox failed \(503 ServerBusy\)\.$"):
        OPERATIONS[operation](refused)

    assert len(service.asked) == 3


@pytest.mark.parametrize("operation", OPERATIONS)
def test_service_that_is_down_is_an_error_that_says_so(operation: str) -> None:
    """Nothing listens: no secret is in the message."""
    account = account_of(StorageServer(port=1).connection_string)

    with pytest.raises(
        StorageUnavailable, match=r"^The table x1234 cannot be reached \(ServiceRequestError\)\.$"
    ):
        OPERATIONS[operation](Table(account, "x1234"))


@pytest.mark.stack
def test_table_serves_though_one_operation_of_ten_is_refused(
    account: StorageAccount, service: StorageServer, clock: FakeClock
) -> None:
    """Storage throttles so: nothing is lost, and nobody notices."""
    send = account._transport.send
    count = 0

    def throttled(request: HttpRequest, **options: Any) -> Any:
        nonlocal count
        count += 1
        parts = urlsplit(request.url)
        if count % 10 == 0:
            request.url = parts._replace(netloc=f"127.0.0.1:{service.port}").geturl()
        try:
            return send(request, **options)
        finally:
            request.url = parts.geturl()

    account._transport.send = throttled
    outbox = Outbox(Table(account, "busy"), now=clock.time)
    pending = [Pending(container="landing", name=f"{number}.csv") for number in range(60)]

    for each in pending:
        outbox.park(each)
    [head] = outbox.lanes()
    rows = outbox.rows(head.partition, most=100)
    outbox.delete(rows[:30])

    assert {row.pending.name for row in rows if row.pending} == {each.name for each in pending}
    assert len(outbox.rows(head.partition, most=100)) == 30
    assert len(service.asked) >= 6


@pytest.mark.parametrize("on_insert", [error(404, "TableNotFound"), error(409, "TableBeingDeleted")])
def test_table_that_is_being_deleted_is_storage_trouble(
    refused: Table, service: StorageServer, on_insert: Reply
) -> None:
    """Both are conflicts to HTTP; neither means that the row is there already."""

    def answer(method: str, path: str) -> Reply:
        return error(409, "TableBeingDeleted") if path.endswith("/Tables") else on_insert

    service.answer = answer

    with pytest.raises(StorageUnavailable, match=r"failed \(409 TableBeingDeleted\)"):
        refused.insert(ROW)


def test_table_that_another_worker_has_just_made_is_used(refused: Table, service: StorageServer) -> None:
    """Between the insert that missed it and the request that makes it."""
    answers = iter([error(404, "TableNotFound"), error(409, "TableAlreadyExists"), Reply(status=204)])
    service.answer = lambda *_: next(answers)

    assert refused.insert(ROW) is Written.DONE


def test_empty_page_that_names_a_next_one_is_not_the_end(
    refused: Table, service: StorageServer, clock: FakeClock
) -> None:
    """Storage may answer so at any time, at the edge of a partition server for example."""
    lanes = {"": "a", "a": "b", "b": ""}

    def answer(method: str, path: str) -> Reply:
        last = next(last for last in lanes if f"gt '{last}'" in path)
        if "NextPartitionKey=3" in path:
            found = [{"PartitionKey": lanes[last], "RowKey": "!"}] if lanes[last] else []
            return Reply(status=200, body={"value": found})
        number = (
            1 + sum(f"NextPartitionKey={page}" in path for page in (1, 2)) + ("NextPartitionKey=2" in path)
        )
        token = {"x_ms_continuation_NextPartitionKey": str(number), "x_ms_continuation_NextRowKey": "r"}
        return Reply(status=200, body={"value": []}, headers=token)

    service.answer = answer

    assert [head.partition for head in Outbox(refused, now=clock.time).lanes()] == ["a", "b"]


def test_pages_are_read_until_there_are_enough_rows(refused: Table, service: StorageServer) -> None:
    """A page may hold fewer than were asked for; what is not needed is not read."""

    def answer(method: str, path: str) -> Reply:
        number = next((page for page in (1, 2, 3) if f"NextPartitionKey={page}" in path), 0)
        found = [{"PartitionKey": "p", "RowKey": f"{number}{index}"} for index in range(2)]
        token = {"x_ms_continuation_NextPartitionKey": str(number + 1), "x_ms_continuation_NextRowKey": "r"}
        return Reply(status=200, body={"value": found}, headers=token)

    service.answer = answer

    found = refused.query("PartitionKey gt @last", {"last": ""}, most=5)

    assert [entity["RowKey"] for entity in found] == ["00", "01", "10", "11", "20"]
    assert len(service.asked) == 3


def test_bug_of_ours_is_no_storage_trouble(refused: Table) -> None:
    """It is not tried again for twenty seconds, and not hidden."""
    refused._account = None  # type: ignore[assignment]

    with pytest.raises(AttributeError):
        refused.insert(ROW)


def test_transaction_that_is_refused_as_a_whole_is_an_error(refused: Table, service: StorageServer) -> None:
    """No member is in the way, so none may be left out."""
    service.answer = lambda *_: error(413, "RequestBodyTooLarge")

    with pytest.raises(StorageUnavailable, match="413"):
        refused.transact([("delete", ROW, "e")])
