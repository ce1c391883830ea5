"""The process is killed before and after every I/O call on the ways of an event: one run all the same."""

import base64
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobLeaseClient

from shared.app import App
from shared.event_log import EventLog
from shared.jobs.redrive import EVENT_GRID_DEAD_LETTERS
from shared.model.pending import Pending
from shared.sources import blob_poison
from shared.storage.blob_reader import BlobReader
from shared.storage.drain_lease import CONTAINER as LEASE_CONTAINER
from shared.storage.outbox import Outbox
from shared.storage.tables import Table
from tests.support.airflow_server import Exchange
from tests.support.crashes import crash_everywhere
from tests.support.fakes import routes
from tests.support.fault_harness import FaultHarness
from tests.support.rows import OUTBOX, read_rows
from tests.support.times import CRASH, fast_now

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(900),
    pytest.mark.fault("process killed before and after every I/O call", airflow="stand-in, SQLite keys"),
]

REQUIRES = """[[route]]
name = "r"
match = "{c}/{file}.csv"
dag_id = "copy_file"
requires = "{c}/{file}.csv.done"
"""
ROUTE = '[[route]]\nname = "r"\nmatch = "**"\ndag_id = "{dag}"\n'


@pytest.fixture
def crash(harness: FaultHarness) -> "CrashHarness":
    """Return what prepares rows and recovers."""
    return CrashHarness(harness)


class CrashHarness:
    """What happens before and after a process is killed."""

    def __init__(self, harness: FaultHarness) -> None:
        self.settings = harness.settings()
        self._harness = harness
        self._account = harness.account()
        self._outbox = Outbox(Table(self._account, OUTBOX), now=fast_now)
        self._reader = BlobReader(self._account)
        self._next: App | None = None

    def upload(self, name: str) -> None:
        """Let a file land."""
        self._harness.landing.upload_blob(name, b"x")

    def park(self, name: str, *, toml: str = "", age: timedelta = timedelta(0)) -> Pending:
        """Let a file land, so long ago, and its event wait, as the routes say; return the event."""
        self.upload(name)
        event = self._reader.read(self._harness.landing.container_name, name)
        assert event is not None
        event = replace(event, event_time=event.event_time - age)
        run = routes(toml).match(event).requests[0]
        pending = Pending(
            container=event.container, name=name, event=event, lane=run.lane, run_id=run.run_id, reason="x"
        )
        self._outbox.park(pending)
        return pending

    def call_again(self, name: str, *, is_kept: bool = False) -> None:
        """Do as the platform does with an invocation that failed, then drain what is not to be kept."""
        self._app().on_blob(self._harness.landing.container_name, name)
        if not is_kept:
            self.drain()

    def drain(self, *, is_empty: Callable[[], bool] = lambda: True) -> None:
        """Do as the next dispatchers do, until the outbox is empty, the states of lanes included.

        But for the time of the next look at a lane of companions, which goes when it has come.
        """
        end = time.monotonic() + 60
        # The killed process holds it no more 15 seconds later; nobody has to wait for that here.
        with suppress(ResourceNotFoundError, ResourceExistsError):
            BlobLeaseClient(self._account.blobs.get_blob_client(LEASE_CONTAINER, "drain")).break_lease(0)
        while not is_empty() or (rows := self._rows()):
            assert time.monotonic() < end, rows
            self._app().dispatch()
            time.sleep(0.05)

    def _rows(self) -> list[dict[str, Any]]:
        return [row for row in read_rows(self._harness.storage, OUTBOX) if "next_look" not in row]

    def _app(self) -> App:
        if self._next is None:
            self._next = App(self.settings, EventLog(), CRASH)
        return self._next


def test_live_event_that_is_delivered(harness: FaultHarness, crash: CrashHarness) -> None:
    """The platform calls again, with the same blob."""

    def prepare(name: str) -> list[str]:
        crash.upload(name)
        return ["live", harness.landing.container_name, name]

    names = crash_everywhere(crash.settings, prepare, crash.call_again)

    harness.assert_one_run_each(names)


def test_live_event_that_has_to_wait(harness: FaultHarness, crash: CrashHarness) -> None:
    """Its DAG is missing: the row and the hold are written, and both go when the DAG is deployed."""

    def prepare(name: str) -> list[str]:
        harness.airflow.dags.clear()
        crash.upload(name)
        return ["live", harness.landing.container_name, name]

    def recover(name: str) -> None:
        harness.airflow.dags.add("copy_file")
        crash.call_again(name)

    names = crash_everywhere(crash.settings, prepare, recover)

    harness.assert_one_run_each(names)


def test_live_event_of_a_capped_route(harness: FaultHarness, crash: CrashHarness) -> None:
    """It is written to the outbox and drained by the same invocation."""
    crash.settings["AIRFLOW_MAX_RUNS_PER_MINUTE"] = "100000"

    def prepare(name: str) -> list[str]:
        crash.upload(name)
        return ["live", harness.landing.container_name, name]

    names = crash_everywhere(crash.settings, prepare, crash.call_again)

    harness.assert_one_run_each(names)


def test_waiting_row(harness: FaultHarness, crash: CrashHarness) -> None:
    """It is posted, then deleted."""

    def prepare(name: str) -> list[str]:
        crash.park(name)
        return ["dispatch"]

    names = crash_everywhere(crash.settings, prepare, lambda _name: crash.drain())

    harness.assert_one_run_each(names)


@pytest.mark.parametrize("way", ["live", "dispatch"])
def test_runs_of_an_ordered_route(harness: FaultHarness, crash: CrashHarness, way: str) -> None:
    """Posted, then deleted, before the next is read: the older file's run is created first."""
    toml = ROUTE.replace("{dag}", "copy_file") + "ordered = true\n"
    crash.settings["AIRFLOW_ROUTES"] = toml

    def prepare(name: str) -> list[str]:
        crash.park(f"older-{name}", toml=toml, age=timedelta(hours=1))
        if way == "live":
            crash.upload(name)
            return ["live", harness.landing.container_name, name]
        crash.park(name, toml=toml)
        return ["dispatch"]

    def recover(name: str) -> None:
        if way == "live":
            crash.call_again(name)
        crash.drain()

    names = crash_everywhere(crash.settings, prepare, recover)

    harness.assert_one_run_each([*names, *(f"older-{name}" for name in names)])
    created = [run["conf"]["filename"] for run in harness.airflow.runs.values()]
    assert created == [each for name in names for each in (f"older-{name}", name)]


@pytest.mark.parametrize("last", ["companion", "file"])
def test_file_with_a_companion(harness: FaultHarness, crash: CrashHarness, last: str) -> None:
    """Whoever is told of last is killed: the row, the second look, the row of the run, its post."""
    crash.settings["AIRFLOW_ROUTES"] = REQUIRES
    container = harness.landing.container_name

    def prepare(name: str) -> list[str]:
        crash.upload(name)
        if last == "companion":
            crash.call_again(name, is_kept=True)
        crash.upload(f"{name}.done")
        return ["live", container, f"{name}.done" if last == "companion" else name]

    def recover(name: str) -> None:
        crash.call_again(f"{name}.done" if last == "companion" else name)

    names = crash_everywhere(crash.settings, prepare, recover)

    harness.assert_one_run_each(names)


def test_file_that_waits_for_its_companion(harness: FaultHarness, crash: CrashHarness) -> None:
    """It is killed while it is written; the companion comes afterwards."""
    crash.settings["AIRFLOW_ROUTES"] = REQUIRES

    def prepare(name: str) -> list[str]:
        crash.upload(name)
        return ["live", harness.landing.container_name, name]

    def recover(name: str) -> None:
        crash.call_again(name, is_kept=True)
        crash.upload(f"{name}.done")
        crash.call_again(f"{name}.done")

    names = crash_everywhere(crash.settings, prepare, recover)

    harness.assert_one_run_each(names)


def test_row_by_name(harness: FaultHarness, crash: CrashHarness) -> None:
    """It is looked up, written into its lane, posted, deleted."""

    def prepare(name: str) -> list[str]:
        crash.upload(name)
        harness.park([name])
        return ["dispatch"]

    names = crash_everywhere(crash.settings, prepare, lambda _name: crash.drain())

    harness.assert_one_run_each(names)


def test_row_that_dies(harness: FaultHarness, crash: CrashHarness) -> None:
    """Its dead letter is written, then the row is deleted: one letter each, and no run."""

    def refuse(exchange: Exchange) -> bool:
        is_trigger = exchange.method == "POST" and exchange.path.endswith("/dagRuns")
        if is_trigger:
            exchange.answer(400, {"detail": "Invalid input for param filename: No value passed"})
        return is_trigger

    harness.airflow.faults.append(refuse)

    def prepare(name: str) -> list[str]:
        crash.park(name)
        return ["dispatch"]

    names = crash_everywhere(crash.settings, prepare, lambda _name: crash.drain())

    harness.assert_one_run_each([], dead=len(names))
    assert {letter["name"] for letter in harness.dead()} == set(names)


def test_poison_message(harness: FaultHarness, crash: CrashHarness) -> None:
    """It is written to the outbox, taken from the poison queue, looked up, delivered."""
    queue = harness.account().queues.create_queue(blob_poison.QUEUE)

    def prepare(name: str) -> list[str]:
        crash.upload(name)
        message = {
            "Type": "BlobTrigger",
            "FunctionId": "Host.Functions.blob_to_dag",
            "BlobType": "BlockBlob",
            "ContainerName": harness.landing.container_name,
            "BlobName": name,
            "ETag": '"0x1"',
        }
        queue.send_message(base64.b64encode(json.dumps(message).encode()).decode())
        return ["dispatch"]

    def is_empty() -> bool:
        return not queue.get_queue_properties().approximate_message_count

    names = crash_everywhere(crash.settings, prepare, lambda _name: crash.drain(is_empty=is_empty))

    harness.assert_one_run_each(names)


def test_event_grid_letter(harness: FaultHarness, crash: CrashHarness) -> None:
    """Its events are written to the outbox, then it is deleted."""
    letters = harness.account().blobs.create_container(EVENT_GRID_DEAD_LETTERS)

    def prepare(name: str) -> list[str]:
        crash.upload(name)
        letters.upload_blob(f"topic/{name}.json", json.dumps([_event(harness, name)]))
        return ["dispatch"]

    def is_empty() -> bool:
        return not list(letters.list_blob_names())

    names = crash_everywhere(crash.settings, prepare, lambda _name: crash.drain(is_empty=is_empty))

    harness.assert_one_run_each(names)


def test_message_of_the_event_queue(harness: FaultHarness, crash: CrashHarness) -> None:
    """Airflow is busy, so the event has to wait; the queue hands the message over once more."""
    crash.settings |= {"EVENT_SOURCE": "queue", "AIRFLOW_RETRY_BUDGET_SECONDS": "0"}
    is_busy = False

    def busy(exchange: Exchange) -> bool:
        if is_busy:
            exchange.answer(429, {"detail": "slow down"})
        return is_busy

    harness.airflow.faults.append(busy)

    def message(name: str) -> bytes:
        return json.dumps(_event(harness, name)).encode()

    def prepare(name: str) -> list[str]:
        nonlocal is_busy
        is_busy = True
        return ["event", base64.b64encode(message(name)).decode()]

    def recover(name: str) -> None:
        nonlocal is_busy
        is_busy = False
        App(crash.settings, EventLog(), CRASH).on_event(message(name))
        crash.drain()

    names = crash_everywhere(crash.settings, prepare, recover)

    harness.assert_one_run_each(names)


def test_row_whose_lane_is_put_on_hold(harness: FaultHarness, crash: CrashHarness) -> None:
    """The hold is written, and goes with the first success."""

    def prepare(name: str) -> list[str]:
        harness.airflow.dags.clear()
        crash.park(name)
        return ["dispatch"]

    def recover(_name: str) -> None:
        harness.airflow.dags.add("copy_file")
        crash.drain()

    names = crash_everywhere(crash.settings, prepare, recover)

    harness.assert_one_run_each(names)


@pytest.mark.parametrize("was_sent", [False, True], ids=["not sent before", "sent before"])
def test_row_that_moves_to_another_lane(
    harness: FaultHarness, crash: CrashHarness, *, was_sent: bool
) -> None:
    """The mark, the look-up, the row in the new lane, the old row: one run, where it was sent first."""
    harness.airflow.dags = {"old_dag", "new_dag"}
    crash.settings["AIRFLOW_ROUTES"] = ROUTE.replace("{dag}", "new_dag")

    def prepare(name: str) -> list[str]:
        pending = crash.park(name, toml=ROUTE.replace("{dag}", "old_dag"))
        if was_sent:
            # By a drain that was killed before it could delete the row.
            harness.airflow.keep("old_dag", str(pending.run_id), {"conf": {"filename": name}})
        return ["dispatch"]

    names = crash_everywhere(crash.settings, prepare, lambda _name: crash.drain())

    harness.assert_one_run_each(names)
    assert {dag_id for dag_id, _ in harness.airflow.runs} == {"old_dag" if was_sent else "new_dag"}


def _event(harness: FaultHarness, name: str) -> dict[str, object]:
    """Return an event as Event Grid writes it."""
    return {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/{harness.landing.container_name}/blobs/{name}",
        "eventTime": "2026-11-20T06:00:00Z",
        "data": {
            "api": "PutBlob",
            "eTag": "0x1",
            "contentLength": 1,
            "blobType": "BlockBlob",
            "url": f"{harness.landing.url}/{name}",
        },
    }
