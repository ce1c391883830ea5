"""What the tests of storage share: a table in memory and in Azurite, and a service that misbehaves."""

from collections.abc import Callable, Iterator

import pytest
from azure.core.pipeline.transport import HttpTransport

from shared.config.storage_connection import StorageConnection
from shared.model.errors import StorageUnavailable
from shared.storage.accounts import StorageAccount
from shared.storage.outbox import Outbox
from shared.storage.tables import Table
from tests.support.clock import FakeClock
from tests.support.storage_server import StorageServer, serve_storage
from tests.support.table import MemoryTable


def account_of(connection_string: str) -> StorageAccount:
    """Return the app's view of an account."""
    connection = StorageConnection(name="AzureWebJobsStorage", connection_string=connection_string)
    return StorageAccount(connection, threads=16)


@pytest.fixture(autouse=True)
def _no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK not really sleep between its own tries."""
    monkeypatch.setattr(HttpTransport, "sleep", lambda *_: None)


@pytest.fixture
def account(storage_account: str) -> StorageAccount:
    """Return an account of Azurite that is empty."""
    return account_of(storage_account)


@pytest.fixture(params=["memory", pytest.param("azurite", marks=pytest.mark.stack)])
def table(request: pytest.FixtureRequest) -> Table:
    """Return an empty table, each test once in memory and once in Azurite."""
    if request.param == "memory":
        return MemoryTable()
    return Table(request.getfixturevalue("account"), "testtable")


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that the test moves."""
    return FakeClock()


@pytest.fixture
def outbox(table: Table, clock: FakeClock) -> Outbox:
    """Return an outbox that tries once."""
    return Outbox(table, now=clock.time)


@pytest.fixture
def service() -> Iterator[StorageServer]:
    """Return a storage service that answers as the test says."""
    with serve_storage() as service:
        yield service


def before(table: Table, operation: str, act: Callable[[], object], *, times: int = 1) -> None:
    """Let another writer act right before an operation, so many times."""
    carry_out = getattr(table, operation)
    left = [act] * times

    def hooked(*args: object, **options: object) -> object:
        if left:
            left.pop()()
        return carry_out(*args, **options)

    setattr(table, operation, hooked)


def lose_reply(table: Table, operation: str, *, times: int = 1) -> None:
    """Carry an operation out, and let its reply get lost."""
    carry_out = getattr(table, operation)
    left = [1] * times

    def hooked(*args: object, **options: object) -> object:
        result = carry_out(*args, **options)
        if left:
            left.pop()
            msg = "The reply was lost."
            raise StorageUnavailable(msg)
        return result

    setattr(table, operation, hooked)
