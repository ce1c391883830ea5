"""`RoutesBlob`, against Azurite: routes that change without a deployment."""

import threading
from collections.abc import Iterator

import pytest

from local.azurite import ACCOUNT_KEY, Azurite
from shared.event_log import EventLog
from shared.model.errors import Misconfigured, StorageUnavailable
from shared.routes.reader import read_routes
from shared.routes.table import RouteTable
from shared.storage.routes_blob import MOST_BYTES, RoutesBlob
from tests.storage.conftest import account_of
from tests.support.clock import FakeClock
from tests.support.counting_proxy import CountingProxy, counting_proxy

pytestmark = pytest.mark.stack

PATH = "airflow-routes/routes.toml"


def toml(dag_id: str) -> str:
    """Return a file with one route for every blob."""
    return f'[[route]]\nname = "all"\nmatch = "landing/**"\ndag_id = "{dag_id}"\n'


class RoutesHarness:
    """A blob with routes, and an instance that reads it through a proxy that counts."""

    def __init__(self, connection_string: str, proxy: CountingProxy, azurite: Azurite) -> None:
        self._counted = connection_string.replace(f":{azurite.blob_port}/", f":{proxy.port}/")
        service = account_of(connection_string).blobs
        service.create_container("airflow-routes")
        self.blob = service.get_blob_client("airflow-routes", "routes.toml")
        self.proxy = proxy
        self.log = EventLog()
        self.clock = FakeClock()
        self.read_texts: list[str] = []
        self.routes = RoutesBlob(
            account_of(self._counted).blobs, PATH, read=self._read, log=self.log, clock=self.clock
        )

    def _read(self, text: str) -> RouteTable:
        self.read_texts.append(text)
        return read_routes(text, origin="ROUTES_BLOB")

    def use_key(self, key: str) -> None:
        """Let the instance log in with another key."""
        service = account_of(self._counted.replace(ACCOUNT_KEY, key)).blobs
        self.routes._blob = service.get_blob_client("airflow-routes", "routes.toml")

    def write(self, text: str | bytes) -> None:
        """Upload a version."""
        self.blob.upload_blob(text, overwrite=True)

    def after_minutes(self, count: int) -> str:
        """Let minutes pass with many looks in each; return the DAG of the route in force."""
        for _ in range(count):
            self.clock.now += 60
            for _ in range(100):
                self.routes.refresh()
        return str(self.routes.current().routes[0].fixed_dag_id)


@pytest.fixture
def harness(storage_account: str, azurite: Azurite) -> Iterator[RoutesHarness]:
    """Return a blob that is not there yet."""
    with counting_proxy(azurite.blob_port) as proxy:
        yield RoutesHarness(storage_account, proxy, azurite)


def test_new_version_is_in_force_within_a_minute(harness: RoutesHarness) -> None:
    """And not before: an instance looks at most once a minute."""
    harness.write(toml("old"))
    assert harness.after_minutes(1) == "old"
    harness.write(toml("new"))

    harness.clock.now += 59
    harness.routes.refresh()
    assert harness.routes.current().routes[0].fixed_dag_id == "old"
    assert harness.after_minutes(1) == "new"
    assert harness.log.counts == {"routes.loaded": 2}


def test_look_is_one_request_a_minute_and_reads_nothing_twice(harness: RoutesHarness) -> None:
    """A version that is known is answered with 304; the table is the same object."""
    harness.write(toml("load"))
    table = harness.routes.current()

    harness.after_minutes(10)

    assert harness.proxy.methods == {"GET": 11}
    assert harness.read_texts == [toml("load")]
    assert harness.routes.current() is table
    assert harness.log.counts == {"routes.loaded": 1}


def test_bad_version_is_said_once_and_the_last_good_one_stays(
    harness: RoutesHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """With every fault, as `check` prints them; a good one afterwards is taken."""
    harness.write(toml("good"))
    harness.routes.current()
    harness.write('[[route]]\nname = "all"\n')

    assert harness.after_minutes(5) == "good"
    assert harness.log.counts == {"routes.loaded": 1, "routes.rejected": 1}
    (line,) = [record for record in caplog.records if record.getMessage().startswith("routes.rejected")]
    assert line.levelname == "ERROR"
    assert "match is missing" in line.getMessage()
    harness.write(toml("better"))
    assert harness.after_minutes(1) == "better"


NO_ROUTES = {
    "not text": b"\xff\xfe",
    "a byte too large": b"#" * (MOST_BYTES + 1),
    "huge": b"#" * 50 * MOST_BYTES,
    "empty": b"",
    "too deep": b"x = " + b"[" * 5_000,
    "an endless integer": b"x = " + b"1" * 5_000,
    "an endless key": b"a." * 500_000 + b"a = 1",
}


@pytest.mark.parametrize("content", NO_ROUTES.values(), ids=NO_ROUTES)
def test_what_is_no_file_of_routes_is_rejected(harness: RoutesHarness, content: bytes) -> None:
    """The last good one stays, it is said once, and no more is read than the SDK reads at once."""
    harness.write(toml("good"))
    harness.routes.current()
    harness.write(content)
    harness.proxy.reset()

    assert harness.after_minutes(3) == "good"
    assert harness.log.counts["routes.rejected"] == 1
    assert harness.proxy.bytes_down < 33 * MOST_BYTES
    assert harness.proxy.methods == {"GET": 3 if content else 4}


def test_versions_that_alternate_are_each_said(harness: RoutesHarness) -> None:
    """A bad one, a good one, the bad one again: at most one look a minute, whatever the ETag does."""
    harness.write(toml("good"))
    harness.routes.current()
    for number in range(3):
        harness.write(f"no routes {number}")
        assert harness.after_minutes(1) == ("good" if number == 0 else f"good-{number - 1}")
        harness.write(toml(f"good-{number}"))
        assert harness.after_minutes(1) == f"good-{number}"

    assert harness.log.counts == {"routes.loaded": 4, "routes.rejected": 3}
    assert harness.proxy.methods == {"GET": 7}


def test_role_that_was_taken_away_changes_nothing(harness: RoutesHarness) -> None:
    """Storage answers 403: a warning each minute that says so, and the last good version."""
    harness.write(toml("good"))
    harness.routes.current()
    harness.use_key("c3RyYW5nZXI=")

    assert harness.after_minutes(3) == "good"
    assert harness.log.counts == {"routes.loaded": 1, "routes.unreadable": 3}
    harness.use_key(ACCOUNT_KEY)
    harness.write(toml("new"))
    assert harness.after_minutes(1) == "new"


def test_blob_that_is_gone_changes_nothing(harness: RoutesHarness) -> None:
    """Deleted by mistake, or storage is away: a warning each minute, and the last good one."""
    harness.write(toml("good"))
    harness.routes.current()
    harness.blob.delete_blob()

    assert harness.after_minutes(3) == "good"
    assert harness.log.counts == {"routes.loaded": 1, "routes.unreadable": 3}


def test_without_any_usable_routes_there_are_none(harness: RoutesHarness) -> None:
    """The app waits with its events, as with any other fault of its settings."""
    with pytest.raises(StorageUnavailable, match=r"cannot be read \(404 BlobNotFound\)"):
        harness.routes.current()
    harness.write("no routes")
    with pytest.raises(Misconfigured, match="ROUTES_BLOB is not valid TOML"):
        harness.routes.current()
    with pytest.raises(Misconfigured, match="has no routes that can be used"):
        harness.routes.current()


def test_threads_look_once_and_never_wait_for_each_other(harness: RoutesHarness) -> None:
    """The others go on with the routes that are in force."""
    harness.write(toml("load"))
    harness.routes.current()
    harness.clock.now += 60
    threads = [threading.Thread(target=harness.routes.refresh) for _ in range(16)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert harness.proxy.methods == {"GET": 2}
