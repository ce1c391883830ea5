"""Stand-ins that several tests share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from shared.airflow.client import Delivery
from shared.delivery.backoff import Delays
from shared.delivery_context import Turn, no_retry, send_at_once
from shared.event_log import EventLog
from shared.ingest import Intake
from shared.model.blob_event import BlobEvent
from shared.model.errors import BlobToDagError
from shared.model.pending import Parked
from shared.model.run_request import RunRequest
from shared.routes.load import load_routes
from shared.routes.table import RouteTable
from shared.timing import Timing
from shared.trigger import Rules, Trigger

AIRFLOW_URL = "https://airflow.example.com"
FIXED_DELAYS = Delays(least_seconds=30, most_seconds=3_600, uniform=lambda: 0.0)


class FakeClock:
    """Monotonic seconds that pass only when somebody sleeps."""

    @property
    def timing(self) -> Timing:
        """The times of the app, on this clock."""
        return Timing(clock=self, sleep=self.sleep)

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class FakeAirflow:
    """Keeps the runs that it was asked for; raises the next of `errors` if there is one."""

    errors: list[BlobToDagError | None] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)
    waiting: int = 0
    calls: list[RunRequest] = field(default_factory=list)
    runs: dict[tuple[str, str], RunRequest] = field(default_factory=dict)

    def trigger(self, run: RunRequest) -> Delivery:
        self.calls.append(run)
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        known = (run.dag_id, run.run_id) in self.runs
        self.runs[run.dag_id, run.run_id] = run
        return Delivery.ALREADY_THERE if known else Delivery.CREATED

    is_open: bool = False

    def is_paused(self, dag_id: str) -> bool:
        return dag_id in self.paused

    def waiting_runs(self, dag_id: str | None = None) -> int:
        return self.waiting


@dataclass
class FakePlace:
    """Remembers where the event went."""

    parked: list[tuple[Parked, int]] = field(default_factory=list)
    left: int = 0
    error: BlobToDagError | None = None

    def park(self, parked: Parked, *, delay_seconds: int) -> None:
        if self.error:
            raise self.error
        self.parked.append((parked, delay_seconds))

    def leave(self) -> None:
        self.left += 1


@dataclass
class FakeGraveyard:
    """Remembers what was buried."""

    buried: list[tuple[Parked, BlobToDagError, str | None]] = field(default_factory=list)

    def bury(self, parked: Parked, error: BlobToDagError, *, dag_id: str | None = None) -> str:
        self.buried.append((parked, error, dag_id))
        return "letter"


@dataclass
class FakeLanding:
    """Has one blob, or none, or an error; counts the looks at it."""

    event: BlobEvent | None = None
    error: BlobToDagError | None = None
    looks: list[tuple[str, str]] = field(default_factory=list)

    def observe(self, container: str, name: str, *, traceparent: str | None = None) -> BlobEvent | None:
        self.looks.append((container, name))
        if self.error:
            raise self.error
        return self.event


def routes(toml: str = "", dag_id: str = "copy_file") -> RouteTable:
    """Give a table of routes, by default the one route of `AIRFLOW_DAG_ID`."""
    return load_routes(root=Path("no-such-folder"), inline=toml, dag_id=dag_id)


@dataclass
class Stage:
    """A trigger module with fakes around it."""

    airflow: FakeAirflow = field(default_factory=FakeAirflow)
    place: FakePlace = field(default_factory=FakePlace)
    graveyard: FakeGraveyard = field(default_factory=FakeGraveyard)
    log: EventLog = field(default_factory=EventLog)
    table: RouteTable = field(default_factory=routes)
    retry: Callable[[Callable[[], object]], object] = no_retry
    admit: Callable[[RunRequest], None] = send_at_once
    clock: FakeClock = field(default_factory=FakeClock)
    former_urls: frozenset[str] = frozenset()

    @property
    def trigger(self) -> Trigger:
        """The module, as the settings' defaults make it."""
        rules = Rules(
            airflow_url=AIRFLOW_URL,
            missing_dag_max_age=timedelta(days=7),
            delays=FIXED_DELAYS,
            clock=self.clock,
            former_urls=self.former_urls,
        )
        return Trigger(
            routes=self.table, airflow=self.airflow, graveyard=self.graveyard, log=self.log, rules=rules
        )

    def intake(self, landing: FakeLanding) -> Intake:
        """The way in."""
        return Intake(
            landing, lambda event, api: self.table.needs_head(event, api=api), self.trigger, self.log
        )

    def turn(self, *, age: timedelta = timedelta(0)) -> Turn:
        """Give the circumstances of one delivery."""
        return Turn(place=self.place, retry=self.retry, admit=self.admit, age=age)  # type: ignore[arg-type]
