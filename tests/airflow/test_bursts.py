"""Bursts of files into real Airflows: half of all calls fail, a slow machine, a narrow role."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from shared.app import App
from shared.event_log import EventLog, LogValue
from shared.model.errors import StorageUnavailable
from shared.timing import Timing
from tests.airflow.harness import AirflowHarness
from tests.airflow.test_roles import user_with
from tests.support.faulty_proxy import faulty_proxy
from tests.support.rows import DEAD_LETTERS, OUTBOX, count_rows
from tests.support.scale import IS_FULL, scaled
from tests.support.times import FAST

pytestmark = [pytest.mark.airflow, pytest.mark.stack, pytest.mark.timeout(1_800)]

DAG_ID = "contract_paused"
"""Its runs are created, and cost nothing: nobody carries them out."""

THREADS = 16
"""As many events at once as host.json allows for one instance."""

TIMING = Timing() if IS_FULL else FAST
TICK_SECONDS = 30 if IS_FULL else 1
"""In the short form, holds and delays are thirty times as short while calls fail."""

CHAOS_SECONDS = 150 if IS_FULL else 0
"""For how long calls fail after all files have arrived: five ticks."""

ALL = ("3-postgres", "2-postgres", "1-sqlite")
CHAOTIC = ALL if IS_FULL else ALL[:1]
READ_SECONDS = 5

MINUTE = 60
CONCURRENCY = 4
PATIENCE_OF_A_CALL_SECONDS = 20
SLOW_MACHINE_SECONDS = 30
PATIENCE_SECONDS = 240
SLOW_SECONDS = 0.3
"""Of each answer: a busy machine."""

ROUTES = f"""
[[route]]
name = "allowed"
match = "landing/allowed/**"
dag_id = "{DAG_ID}"
[[route]]
name = "forbidden"
match = "landing/forbidden/**"
dag_id = "contract_take"
"""


class Recorder(EventLog):
    """A log that keeps the keys of its events."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, dict[str, LogValue]]] = []

    def _write(self, level: int, event: str, keys: dict[str, LogValue]) -> None:
        self.events.append((event, keys))
        super()._write(level, event, keys)

    def named(self, event: str) -> list[dict[str, LogValue]]:
        """Return the keys of each event of a name."""
        return [keys for name, keys in list(self.events) if name == event]


@dataclass(kw_only=True)
class Burst:
    """An app with storage of its own, and a timer.

    Attributes:
        harness: The Airflow.
        landing: Where files land.
        storage: Connection string of the account.
        environ: App settings besides the usual ones.
        timing: Of the app.
        tick_seconds: Between two calls of the timer.
        log: Of the app.
    """

    harness: AirflowHarness
    landing: ContainerClient
    storage: str
    environ: dict[str, str] = field(default_factory=dict)
    timing: Timing = field(default_factory=Timing)
    tick_seconds: float = 30
    log: Recorder = field(default_factory=Recorder)

    def __post_init__(self) -> None:
        self._before = self._run_ids()
        settings = {
            "AIRFLOW_DAG_ID": DAG_ID,
            "AzureWebJobsStorage": self.storage,
            "LandingStorage": self.storage,
        }
        self._app = App(self.harness.environment(**settings | self.environ), self.log, self.timing)

    def arrive(self, names: Sequence[str]) -> None:
        """Let files land, and call the app for each of them in this order."""
        for name in names:
            self.landing.upload_blob(name, b"x")
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda name: self._app.on_blob("landing", name), names))

    @contextmanager
    def timer(self) -> Iterator[None]:
        """Let the timer fire again and again meanwhile."""
        stop = threading.Event()

        def tick() -> None:
            while not stop.wait(self.tick_seconds):
                with suppress(StorageUnavailable):
                    self._app.dispatch()

        thread = threading.Thread(target=tick)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(PATIENCE_SECONDS)

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return count_rows(self.storage, OUTBOX)

    @property
    def started(self) -> list[str]:
        """The names of the files whose runs Airflow has now and did not have before, as run ids show them."""
        return sorted(run_id.split("__")[1] for run_id in self._run_ids() - self._before)

    def assert_one_run_each(self, names: Sequence[str]) -> None:
        """Assert that each file has one run, and that none waits or is dead."""
        assert self.started == sorted(names)
        assert self.waiting == 0
        assert count_rows(self.storage, DEAD_LETTERS) == 0

    def _run_ids(self) -> frozenset[str]:
        return frozenset(self.harness.run_ids(DAG_ID, "blob__"))


@pytest.fixture
def landing(storage_account: str) -> Iterator[ContainerClient]:
    """Yield an empty container of the test's own account."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        yield service.create_container("landing")


def _seconds_until(is_so: Callable[[], bool]) -> float:
    start = time.monotonic()
    while not is_so():
        assert time.monotonic() - start < PATIENCE_SECONDS
        time.sleep(0.25)
    return time.monotonic() - start


def _names(count: int) -> list[str]:
    return [f"{number}.csv" for number in range(count)]


@pytest.mark.generations(*CHAOTIC)
@pytest.mark.fault("a gateway fails half of all calls in eight ways, real time", airflow="1.10, 2, 3")
def test_gateway_that_fails_half_of_all_calls_loses_and_doubles_nothing(
    harness: AirflowHarness, storage_account: str, landing: ContainerClient
) -> None:
    """One run each; no hold ends as soon as it began; a minute after the faults nothing waits any more."""
    names = _names(scaled(16, 200 if harness.api == "v2" else 100))
    seed = time.time_ns() % 10**6
    late = READ_SECONDS + 0.5
    with faulty_proxy(harness.airflow.base_url, fails=0.5, late_seconds=late, seed=seed) as proxy:
        environ = {"AIRFLOW_BASE_URL": proxy.base_url, "AIRFLOW_READ_TIMEOUT_SECONDS": str(READ_SECONDS)}
        burst = Burst(
            harness=harness,
            landing=landing,
            storage=storage_account,
            environ=environ,
            timing=TIMING,
            tick_seconds=TICK_SECONDS,
        )
        with burst.timer():
            burst.arrive(names)
            time.sleep(CHAOS_SECONDS)
            waited, proxy.fails, proxy.busy_seconds, proxy.forwarded = burst.waiting, 0.0, 0.0, 0
            took = _seconds_until(lambda: burst.waiting == 0)

    print(f"seed {seed}: {waited} waited {took:.1f} s, calls took {proxy.busy_seconds:.1f} s")  # noqa: T201
    print(dict(proxy.seen), dict(burst.log.counts))  # noqa: T201
    burst.assert_one_run_each(names)
    # The calls themselves take as long as Airflow takes for them.
    assert took <= MINUTE + proxy.busy_seconds / CONCURRENCY
    assert [hold for hold in burst.log.named("hold.ended") if float(str(hold["seconds"])) < 1] == []


@pytest.mark.generations(*ALL)
def test_burst_into_a_well_but_slow_airflow_is_delivered_at_once(
    harness: AirflowHarness, storage_account: str, landing: ContainerClient
) -> None:
    """No file waits because of the app's own limits."""
    names = _names(50)
    with faulty_proxy(harness.airflow.base_url, slow_seconds=SLOW_SECONDS) as proxy:
        environ = {"AIRFLOW_BASE_URL": proxy.base_url}
        burst = Burst(harness=harness, landing=landing, storage=storage_account, environ=environ)
        with burst.timer():
            burst.arrive(names)
            seconds, waited = proxy.busy_seconds / CONCURRENCY, burst.log.counts["run.waiting"]
            _seconds_until(lambda: burst.waiting == 0)

    print(f"{waited} waited, calls took {seconds:.1f} s")  # noqa: T201
    # If it takes longer than a call waits for its permit, it is no burst that one instance can carry.
    assert waited == 0 or seconds > PATIENCE_OF_A_CALL_SECONDS
    burst.assert_one_run_each(names)


@pytest.mark.generations("2-postgres")
def test_dag_that_the_role_may_not_start_delays_another_by_a_tick_at_most(
    harness: AirflowHarness, storage_account: str, landing: ContainerClient
) -> None:
    """Airflow 2 says the same to it as to a wrong password, and the role may read no DAGs that could tell."""
    user_with(harness, "one_dag", ("can_create", "DAG Runs"), ("can_edit", f"DAG:{DAG_ID}"))
    environ = {"AIRFLOW_ROUTES": ROUTES, "AIRFLOW_USERNAME": "one_dag", "AIRFLOW_PASSWORD": "pw"}
    burst = Burst(harness=harness, landing=landing, storage=storage_account, environ=environ)
    forbidden = [f"forbidden/{number}.csv" for number in range(5)]
    allowed = [f"allowed/{number}.csv" for number in range(15)]

    start = time.monotonic()
    with burst.timer():
        burst.arrive(forbidden + allowed)
        _seconds_until(lambda: len(burst.started) == len(allowed))
        took = time.monotonic() - start

    print(f"{took:.1f} s, {dict(burst.log.counts)}")  # noqa: T201
    assert took <= burst.tick_seconds + SLOW_MACHINE_SECONDS
    assert burst.waiting == len(forbidden)
