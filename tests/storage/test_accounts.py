"""The clients of a storage account: one credential, one pool of connections, short waits."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import HttpTransport
from azure.identity import ManagedIdentityCredential

from shared.config.storage_connection import StorageConnection
from shared.model.errors import StorageUnavailable
from shared.storage.accounts import StorageAccount, error_code
from shared.storage.tables import Table
from tests.storage.conftest import account_of
from tests.support.storage_server import Reply, StorageServer, error

ENVIRON = {
    "LandingStorage__blobServiceUri": "https://acct.blob.core.windows.net/",
    "LandingStorage__queueServiceUri": "https://acct.queue.core.windows.net",
    "LandingStorage__tableServiceUri": "https://acct.table.core.windows.net",
    "LandingStorage__clientId": "11111111-2222-3333-4444-555555555555",
}


def test_managed_identity_reaches_all_services() -> None:
    """With endpoints, no key is anywhere; they share one credential, which asks for one token."""
    account = StorageAccount(StorageConnection.from_env(ENVIRON, "LandingStorage"), threads=4)
    table = account.table("airflowoutbox")

    assert account.blobs.url == "https://acct.blob.core.windows.net/"
    assert account.queues.url == "https://acct.queue.core.windows.net/"
    assert table.url == "https://acct.table.core.windows.net"
    assert isinstance(account.blobs.credential, ManagedIdentityCredential)
    assert account.blobs.credential is account.queues.credential is table.credential


def test_connection_string_reaches_all_services() -> None:
    """`UseDevelopmentStorage=true` is Azurite on its usual ports, as in Core Tools."""
    account = StorageAccount(StorageConnection.from_env({"X": "UseDevelopmentStorage=true"}, "X"), threads=1)

    assert account.blobs.url == "http://127.0.0.1:10000/devstoreaccount1/"
    assert account.queues.url == "http://127.0.0.1:10001/devstoreaccount1/"
    assert account.table("x1234").url == "http://127.0.0.1:10002/devstoreaccount1"


@pytest.mark.parametrize("environ", [ENVIRON, {"LandingStorage": "UseDevelopmentStorage=true"}])
def test_all_clients_share_one_pool(environ: dict[str, str]) -> None:
    """A connection for each thread, none for each client; a proxy of the machine is not asked."""
    account = StorageAccount(StorageConnection.from_env(environ, "LandingStorage"), threads=7)
    session = account._transport.session
    clients: list[Any] = [account.blobs, account.queues, account.table("x1234")._client]

    assert session is not None
    assert session.trust_env is False
    assert session.get_adapter("https://x")._pool_maxsize == 7
    assert session.get_adapter("https://x")._pool_block is True
    assert all(client._pipeline._transport is account._transport for client in clients[:2])
    assert clients[2]._client._pipeline._transport is account._transport


@pytest.mark.parametrize(
    "missing",
    ["LandingStorage__blobServiceUri", "LandingStorage__queueServiceUri", "LandingStorage__tableServiceUri"],
)
def test_missing_endpoint_is_named(missing: str) -> None:
    """The platform needs the queue endpoint of the landing account, too."""
    environ = {name: value for name, value in ENVIRON.items() if name != missing}

    with pytest.raises(ValueError, match=f"{missing} is not set"):
        StorageConnection.from_env(environ, "LandingStorage")


@pytest.mark.parametrize(
    "ask",
    [
        lambda account: account.blobs.get_service_properties(),
        lambda account: account.queues.get_service_properties(),
        lambda account: Table(account, "x1234").get("p", "r"),
    ],
    ids=["blobs", "queues", "tables"],
)
def test_busy_service_is_tried_three_times_within_seconds(
    service: StorageServer, monkeypatch: pytest.MonkeyPatch, ask: Callable[[StorageAccount], object]
) -> None:
    """The SDK's own waits, 15 s and more, would hold the invocation."""
    slept: list[float] = []
    monkeypatch.setattr(HttpTransport, "sleep", lambda _, seconds: slept.append(seconds))
    account = account_of(service.connection_string)

    with pytest.raises((HttpResponseError, StorageUnavailable)):
        ask(account)

    assert len(service.asked) == 3
    assert sum(slept) <= 4


@pytest.mark.parametrize("name", ["from the body", "from the header", "from none"])
def test_code_of_an_error_is_storage_s_own(service: StorageServer, name: str) -> None:
    """Wherever it stands; the SDK passes some errors on without it."""
    service.answer = {
        "from the body": lambda *_: error(409, "TableBeingDeleted"),
        "from the header": lambda *_: Reply(status=409, headers={"x_ms_error_code": "TableBeingDeleted"}),
        "from none": lambda *_: Reply(status=409, body="gateway"),
    }[name]

    with pytest.raises(HttpResponseError) as caught:
        account_of(service.connection_string).table("x1234").create_entity({"PartitionKey": "", "RowKey": ""})

    assert error_code(caught.value) == ("unknown" if name == "from none" else "TableBeingDeleted")
