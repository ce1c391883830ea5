"""One route's DAG is missing and its lane is long: another route's files are not delayed."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from local.azurite import Azurite
from shared.app import App
from shared.model.blob_event import account_from_url
from shared.model.lane import Lane
from shared.model.pending import Pending
from shared.storage.outbox import row_key
from shared.storage.rows import columns_of
from tests.support.airflow_server import Exchange, airflow_server
from tests.support.fault_harness import FaultHarness
from tests.support.rows import OUTBOX
from tests.support.samples import blob_event
from tests.support.scale import scaled
from tests.support.times import fast_now

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1_800)]

MOST_ROWS = scaled(10_000, 100_000)
ROWS = 10_000
"""Of a drain: with each row Azurite takes longer for each request of a drain; Azure does not."""

FILES = scaled(100, 1_000)
PARTS = scaled(5, 2)
"""Each with so many files, and in turn with and without the rows: a slow moment counts for both."""

TICK_SECONDS = 30

AIRFLOW_SECONDS = 0.05
"""For each call: much more than what the app and Azurite take, so that a busy machine does not count."""

MISSING = Lane(route_id="missing", dag_id="not_there")
GOOD = Lane(route_id="orders", dag_id="copy_file")
ROUTES = """
[[route]]
name = "missing"
match = "landing/missing/**"
dag_id = "not_there"
[[route]]
name = "orders"
match = "landing/orders/**"
dag_id = "copy_file"
"""


@contextmanager
def _harness(azurite: Azurite) -> Iterator[FaultHarness]:
    """Yield an account and an Airflow of their own, which is slow."""

    def slow(exchange: Exchange) -> bool:
        if exchange.path.endswith("/dagRuns"):
            time.sleep(AIRFLOW_SECONDS)
        return False

    storage = azurite.new_account()
    with BlobServiceClient.from_connection_string(storage) as service, airflow_server() as airflow:
        airflow.faults.append(slow)
        harness = FaultHarness(storage=storage, landing=service.create_container("landing"), airflow=airflow)
        with TableServiceClient.from_connection_string(storage) as tables:
            tables.create_table(OUTBOX)
            yield harness
            # Azurite writes all of its rows to the disk now and then: leave it few.
            tables.delete_table(OUTBOX)


@pytest.fixture
def without(azurite: Azurite) -> Iterator[FaultHarness]:
    """Yield a harness with an empty outbox."""
    with _harness(azurite) as harness:
        yield harness


def _park(harness: FaultHarness, lane: Lane, count: int, *, first: int = 0) -> None:
    """Write rows as the app does, a hundred at once."""
    folder, account = lane.route_id, account_from_url(harness.landing.url)

    def write(start: int) -> None:
        operations = []
        for number in range(start, start + 100):
            event = blob_event(account=account, name=f"{folder}/{number}.csv", etag=f"0x{number:X}")
            pending = Pending(
                container="landing", name=event.name, event=event, lane=lane, parked_at=fast_now()
            )
            keys = {"PartitionKey": lane.key, "RowKey": row_key(pending, unique="")}
            operations.append(("create", {**keys, **columns_of(pending)}))
        with TableServiceClient.from_connection_string(harness.storage) as tables:
            tables.get_table_client(OUTBOX).submit_transaction(operations)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(first, first + count, 100)))


def _app(harness: FaultHarness) -> App:
    return harness.app(AIRFLOW_ROUTES=ROUTES, EVENT_SOURCE="queue")


def _message(harness: FaultHarness, number: int) -> bytes:
    """Return an event of the good route, as Event Grid writes it."""
    name = f"orders/live-{number}.csv"
    event = {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/landing/blobs/{name}",
        "eventTime": "2026-11-20T06:00:00Z",
        "data": {
            "api": "PutBlob",
            "eTag": f"0x{number:X}",
            "contentLength": 1,
            "blobType": "BlockBlob",
            "url": f"{harness.landing.url}/{name}",
        },
    }
    return json.dumps(event).encode()


def _arrive(harness: FaultHarness, app: App, numbers: range) -> tuple[float, int]:
    """Let files of the good route arrive; return how long their runs took, and how often the timer fired."""
    harness.airflow.created_at.clear()
    with _ticks(app) as ticks, ThreadPoolExecutor(8) as pool:
        list(pool.map(app.on_event, [_message(harness, number) for number in numbers]))
    return _seconds(harness), ticks()


def _drain(harness: FaultHarness, app: App, part: int) -> float:
    """Let files of the good route wait and drain them; return how long their runs took."""
    harness.airflow.created_at.clear()
    _park(harness, GOOD, FILES, first=part * FILES)
    end = time.monotonic() + scaled(60, 300)
    while len(harness.airflow.created_at) < FILES:
        assert time.monotonic() < end, len(harness.airflow.created_at)
        app.dispatch()
    return _seconds(harness)


@contextmanager
def _ticks(app: App) -> Iterator[Callable[[], int]]:
    """Let the timer fire again and again meanwhile; yield what tells how often it did."""
    stop = threading.Event()
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while not stop.is_set():
            ticks += 1
            app.dispatch()
            stop.wait(TICK_SECONDS)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield lambda: ticks
    finally:
        stop.set()
        thread.join(60)


def _seconds(harness: FaultHarness) -> float:
    """Return the time from the first run of the good DAG to the last."""
    return max(harness.airflow.created_at) - min(harness.airflow.created_at)


@pytest.mark.fault("one route's DAG missing, 10,000 rows (100,000): another route, live", airflow="stand-in")
def test_live_files_are_not_delayed_by_another_routes_missing_dag(
    azurite: Azurite, without: FaultHarness
) -> None:
    """They take less than 1.2 times as long, and the missing DAG is asked for once a tick at most."""
    took = alone = 0.0
    asked = 0
    with _harness(azurite) as with_missing:
        _park(with_missing, MISSING, MOST_ROWS)
        apps = [_app(harness) for harness in (without, with_missing)]
        for part in range(PARTS):
            files = range(part * FILES, (part + 1) * FILES)
            alone += _arrive(without, apps[0], files)[0]
            seconds, ticks = _arrive(with_missing, apps[1], files)
            took += seconds
            asked += ticks
        tried = with_missing.airflow.requests["POST dagRuns"] - PARTS * FILES

    print(f"{PARTS} x {FILES} live files: {took:.2f} s, else {alone:.2f} s")  # noqa: T201
    assert len(with_missing.airflow.runs) == PARTS * FILES
    assert took < 1.2 * alone
    assert 1 <= tried <= asked


@pytest.mark.fault("one route's DAG missing, 10,000 rows: another route's rows", airflow="stand-in")
def test_waiting_rows_are_not_delayed_by_another_routes_missing_dag(
    azurite: Azurite, without: FaultHarness
) -> None:
    """A drain that begins with the long lane leaves it at once."""
    with _harness(azurite) as with_missing:
        _park(with_missing, MISSING, ROWS)
        apps = [_app(harness) for harness in (without, with_missing)]
        alone = took = 0.0
        for part in range(PARTS):
            alone += _drain(without, apps[0], part)
            took += _drain(with_missing, apps[1], part)

    print(f"{PARTS} x {FILES} rows: {took:.2f} s, else {alone:.2f} s")  # noqa: T201
    assert took < 1.2 * alone
