"""The gate: no more calls at once than allowed, and nobody waits long for a place."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.airflow.client import Delivery
from shared.delivery.circuit_breaker import airflow_breaker, credentials_breaker
from shared.delivery.guarded_client import Gate
from shared.event_log import EventLog
from shared.model.errors import AirflowDown, AirflowUnclear, AtCapacity, BlobToDagError, CredentialsRefused
from shared.model.run_request import RunRequest
from tests.support.fakes import FakeAirflow, FakeClock

RUN = RunRequest(dag_id="d", run_id="r", conf={}, route="default", route_id="default")


class SlowAirflow(FakeAirflow):
    """Counts how many calls are in work at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.lock = threading.Lock()

    def trigger(self, run: RunRequest) -> Delivery:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01)
        with self.lock:
            self.now -= 1
        return Delivery.CREATED


def test_no_more_calls_at_once_than_allowed() -> None:
    """Whatever the number of threads."""
    airflow = SlowAirflow()
    gate = Gate(airflow, (), max_concurrency=4)

    with ThreadPoolExecutor(32) as pool:
        outcomes = list(pool.map(lambda _: gate.trigger(RUN), range(64)))

    assert outcomes == [Delivery.CREATED] * 64
    assert airflow.most == 4


def test_call_that_finds_no_place_gives_up_soon() -> None:
    """It is parked instead of holding a thread."""
    gate = Gate(FakeAirflow(), (), max_concurrency=1, longest_wait_seconds=0.01)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with gate._place():
            entered.set()
            leave.wait(5)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        entered.wait(5)
        with pytest.raises(AtCapacity, match="AIRFLOW_MAX_CONCURRENCY"):
            gate.trigger(RUN)
        leave.set()
        holding.result(5)

    assert gate.trigger(RUN) is Delivery.CREATED


def test_wait_for_a_place_is_two_seconds_at_most() -> None:
    """The documented bound."""
    assert Gate(FakeAirflow(), (), max_concurrency=1)._longest_wait_seconds == 2.0


@pytest.mark.parametrize(
    ("error", "failures", "seconds"), [(AirflowUnclear("500"), 5, 30), (CredentialsRefused("no"), 1, 60)]
)
def test_either_breaker_closes_the_gate(error: BlobToDagError, failures: int, seconds: float) -> None:
    """Airflow down, or the log-in refused: nothing is sent until the time for a probe."""
    log, clock = EventLog(), FakeClock()
    airflow = FakeAirflow(errors=[error] * failures)
    gate = Gate(
        airflow,
        (airflow_breaker(log, clock.timing), credentials_breaker(log, clock.timing)),
        max_concurrency=1,
    )
    for number in range(failures):
        with pytest.raises(type(error)):
            gate.trigger(replace(RUN, run_id=f"r{number}"))

    with pytest.raises(AirflowDown):
        gate.trigger(RUN)
    with pytest.raises(AirflowDown):
        gate.is_paused("d")

    assert gate.is_open
    assert gate.seconds_until_probe() == seconds
    assert len(airflow.calls) == failures

    clock.now += seconds

    assert gate.trigger(RUN) is Delivery.CREATED
    assert not gate.is_open


def test_one_run_that_always_fails_does_not_close_the_gate_for_the_others() -> None:
    """Airflow chokes on it, again and again; it answers everybody else."""
    log, clock = EventLog(), FakeClock()
    gate = Gate(
        FakeAirflow(errors=[AirflowUnclear("500")] * 20),
        (airflow_breaker(log, clock.timing),),
        max_concurrency=1,
    )

    for _ in range(20):
        with pytest.raises(AirflowUnclear):
            gate.trigger(RUN)

    assert not gate.is_open


def test_questions_need_a_place_too() -> None:
    """They are calls like any other."""
    gate = Gate(FakeAirflow(), (), max_concurrency=1, longest_wait_seconds=0.01)

    with gate._place():
        with pytest.raises(AtCapacity):
            gate.is_paused("d")
        with pytest.raises(AtCapacity):
            gate.waiting_runs()
