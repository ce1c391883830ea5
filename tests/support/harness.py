"""The app without sockets: the real modules, a table in memory, a fake Airflow, a clock that can be moved."""

import copy
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.airflow.client import Delivery
from shared.assembly import assemble
from shared.config.settings import Settings
from shared.event_log import EventLog
from shared.ingest import Ingest
from shared.jobs.dispatcher import Dispatcher
from shared.model.blob_event import BlobEvent
from shared.model.errors import BlobToDagError, RetryableError
from shared.model.hold import Hold, LaneState, PersonHold
from shared.model.lane import Lane
from shared.model.pending import Pending
from shared.model.run_id import run_id
from shared.model.run_request import RunRequest
from shared.routes.table import RouteTable
from shared.storage.dead_letters import DeadLetters
from shared.storage.drain_lease import Handover
from shared.storage.outbox import Outbox
from shared.storage.seals import Seals
from shared.storage.settled import Settled
from tests.support.clock import FakeClock
from tests.support.fakes import lane_routes, routes
from tests.support.samples import blob_event
from tests.support.table import MemoryTable

AIRFLOW_URL = "https://airflow.example.com"

DEFAULT = Lane(route_id="default", dag_id="copy_file")
"""The lane of the one route that `routes()` gives."""


def lane_of(name: str) -> Lane:
    """Return the lane of a route of `lane_routes`."""
    return Lane(route_id=name, dag_id=name)


type Answer = Callable[[RunRequest], None]
"""Sees a run before it is created; raises to let the call fail."""


def well(_run: RunRequest) -> None:
    """Let every call succeed."""


def failing(error: BlobToDagError, *, dags: Collection[str] = (), names: Collection[str] = ()) -> Answer:
    """Let calls fail: all, or those for some DAGs or some blobs."""

    def answer(run: RunRequest) -> None:
        if (not dags or run.dag_id in dags) and (not names or run.conf["filename"] in names):
            # A fresh one each time: its scope may be changed.
            raise copy.copy(error)

    return answer


@dataclass
class FakeAirflow:
    """Keeps the runs that it was asked for.

    Attributes:
        answer: Asked before each run is created.
        paused: DAGs that are paused.
        waiting: How many runs wait for a worker.
        down: Raised to every question, where set.
        calls: Every run that was posted, in their order.
        runs: By DAG and run id.
        questions: How often each question was asked.
        in_flight: Posts under way; `most_in_flight` by DAG, at its highest.
    """

    answer: Answer = well
    paused: set[str] = field(default_factory=set)
    waiting: int | BlobToDagError = 0
    down: BlobToDagError | None = None
    calls: list[RunRequest] = field(default_factory=list)
    runs: dict[tuple[str, str], RunRequest] = field(default_factory=dict)
    questions: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    most_in_flight: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def trigger(self, run: RunRequest) -> Delivery:
        with self._lock:
            self.calls.append(run)
            self.in_flight[run.dag_id] += 1
            self.most_in_flight[run.dag_id] = max(self.most_in_flight[run.dag_id], self.in_flight[run.dag_id])
        try:
            self.answer(run)
        finally:
            with self._lock:
                self.in_flight[run.dag_id] -= 1
        return self.create(run)

    def create(self, run: RunRequest) -> Delivery:
        """Create the run, whatever is answered."""
        with self._lock:
            known = (run.dag_id, run.run_id) in self.runs
            self.runs[run.dag_id, run.run_id] = run
        return Delivery.ALREADY_THERE if known else Delivery.CREATED

    def find(self, dag_id: str, run_id: str) -> str | None:
        self._ask("find")
        return "success" if (dag_id, run_id) in self.runs else None

    def is_paused(self, dag_id: str) -> bool:
        self._ask("is_paused")
        return dag_id in self.paused

    def waiting_runs(self, dag_id: str | None = None) -> int:
        self._ask("waiting_runs")
        if isinstance(self.waiting, BlobToDagError):
            raise self.waiting
        return self.waiting

    def check_log_in(self) -> None:
        self._ask("check_log_in")
        if isinstance(self.waiting, BlobToDagError):
            raise self.waiting

    def explained(self, error: RetryableError, dag_id: str) -> RetryableError:
        return error

    def version(self) -> str:
        self._ask("version")
        return "3.3.2"

    def _ask(self, question: str) -> None:
        self.questions[question] += 1
        if self.down:
            raise type(self.down)(str(self.down))


@dataclass
class FakeReader:
    """Has one blob by name, or an error; counts the looks at it."""

    blobs: dict[str, BlobEvent] = field(default_factory=dict)
    error: BlobToDagError | None = None
    looks: list[str] = field(default_factory=list)

    def read(self, container: str, name: str) -> BlobEvent | None:
        self.looks.append(name)
        if self.error:
            raise type(self.error)(str(self.error))
        return self.blobs.get(name)


@dataclass
class FakeLease:
    """A lease that one holder has at a time; keeps what is handed over."""

    handover: Handover = field(default_factory=Handover)
    is_taken: bool = False
    taken: int = 0

    @contextmanager
    def hold(self) -> Iterator[Handover | None]:
        if self.is_taken:
            yield None
            return
        self.is_taken = True
        self.taken += 1
        try:
            yield self.handover
        finally:
            self.is_taken = False


@dataclass
class Storage:
    """What several instances of the app share."""

    outbox: MemoryTable = field(default_factory=MemoryTable)
    dead: MemoryTable = field(default_factory=MemoryTable)
    settled: MemoryTable = field(default_factory=MemoryTable)
    reader: FakeReader = field(default_factory=FakeReader)
    lease: FakeLease = field(default_factory=FakeLease)


class OutboxHarness:
    """One instance of the app, or with `storage`, `airflow` and `clock` of another one a second instance.

    Attributes:
        ingest: Takes events.
        dispatcher: Drains.
        outbox: The outbox itself.
    """

    ingest: Ingest
    dispatcher: Dispatcher

    def __init__(
        self,
        table: RouteTable | None = None,
        *,
        storage: Storage | None = None,
        airflow: FakeAirflow | None = None,
        clock: FakeClock | None = None,
        timing: dict[str, Any] | None = None,
        **settings: str,
    ) -> None:
        self.storage = storage or Storage()
        self.airflow = airflow or FakeAirflow()
        self.clock = clock or FakeClock()
        self.log = EventLog()
        self.settings = settings
        self._parked = 0
        self.storage.outbox.now = self.clock.time
        self.timing = self.clock.timing(**(timing or {}))
        self.change_routes(table or routes())

    def change_routes(self, table: RouteTable) -> None:
        """Start the app anew with other routes."""
        environ = {
            "AIRFLOW_BASE_URL": AIRFLOW_URL,
            "AIRFLOW_RETRY_BUDGET_SECONDS": "1",
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "LandingStorage__blobServiceUri": "https://acct.blob.core.windows.net",
            "LandingStorage__queueServiceUri": "https://acct.queue.core.windows.net",
        }
        self.outbox = Outbox(self.storage.outbox, now=self.clock.time)
        self.dead_letters = DeadLetters(self.storage.dead, self.log, now=self.clock.time)
        self.ingest, self.dispatcher = assemble(
            settings=Settings.from_env(environ | self.settings),
            routes=table,
            airflow=self.airflow,
            reader=self.storage.reader,  # type: ignore[arg-type]
            outbox=self.outbox,
            dead_letters=self.dead_letters,
            settled=Settled(self.storage.settled, now=self.clock.time),
            seals=Seals(self.storage.outbox),
            lease=self.storage.lease,  # type: ignore[arg-type]
            log=self.log,
            timing=self.timing,
        )

    def arrive(self, *names: str, **changes: Any) -> None:
        """Let files land, each as an event with its version, and the look after it that a live call takes."""
        for name in names:
            event = blob_event(name=name, **{"event_time": self.clock.time()} | changes)
            self.storage.reader.blobs[name] = event
            self.ingest.take(Pending(container=event.container, name=name, event=event))
            self.dispatcher.after_event()

    def park(self, *names: str, lane: Lane = DEFAULT, **changes: Any) -> None:
        """Put files into the outbox in this order, as a live call does that could not send their runs."""
        for name in names:
            self._parked += 1
            event_time = self.clock.time() + timedelta(microseconds=self._parked)
            event = blob_event(name=name, **{"event_time": event_time} | changes)
            self.outbox.park(
                Pending(
                    container=event.container,
                    name=name,
                    event=event,
                    lane=lane,
                    run_id=run_id(event, route=lane.route_id),
                )
            )

    def drain(self, seconds: float = 120.0) -> int:
        """Let the timer fire once."""
        return self.dispatcher.drain(self.clock() + seconds)

    def pass_time(self, seconds: float, *, tick: float = 30.0) -> None:
        """Let the time pass, with the timer firing at each tick."""
        end = self.clock() + seconds
        while self.clock() < end:
            before = self.clock()
            self.drain()
            self.clock.now = max(before + tick, self.clock())

    def fill(self, name: str, count: int) -> None:
        """Put so many files into the lane of this name, in the order of their names."""
        self.park(*[f"{name}/{number:06}" for number in range(count)], lane=lane_of(name))

    def state(self, lane: Lane = DEFAULT) -> LaneState | None:
        """The state of a lane."""
        return self.outbox.state(lane)

    def hold(self, lane: Lane = DEFAULT) -> Hold:
        """The app's own hold on a lane, which must be there."""
        state = self.state(lane)
        assert state is not None
        assert state.hold is not None
        return state.hold

    def hold_by_person(self, lane: Lane) -> None:
        """Put a lane, or everything, on hold for maintenance."""
        person = PersonHold(who="ann", why="maintenance", since=self.clock.time())
        self.outbox.write_state(LaneState(lane=lane, person=person))

    @property
    def sent(self) -> list[str]:
        """The names of the blobs whose runs were posted, in their order."""
        return [str(run.conf["filename"]) for run in self.airflow.calls]

    @property
    def waiting(self) -> list[dict[str, Any]]:
        """The rows that wait."""
        return self.storage.outbox.events()

    @property
    def dead(self) -> list[dict[str, Any]]:
        """The dead letters."""
        return list(self.storage.dead.rows.values())


def two_lanes() -> OutboxHarness:
    """Return an app with the routes `bad` and `good`."""
    return OutboxHarness(lane_routes("bad", "good"))
