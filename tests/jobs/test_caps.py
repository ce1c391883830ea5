"""Caps on the runs of the outbox: met over drains and lanes, and counted where Airflow knows."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.model.errors import AirflowUnclear, AirflowUnreachable, Forbidden
from shared.model.lane import EVERYTHING, Lane
from shared.model.run_request import RunRequest
from shared.timing import utc_now
from tests.support.fakes import lane_routes, routes
from tests.support.harness import OutboxHarness, failing, lane_of, well
from tests.support.scale import scaled

MINUTE = 60.0


def _timed(harness: OutboxHarness, moments: list[float]) -> Callable[[RunRequest], None]:
    """Note when each run is posted."""

    def answer(run: RunRequest) -> None:
        moments.append(harness.clock())

    return answer


def _drain_for(harnesses: list[OutboxHarness], seconds: float, each: float) -> None:
    """Let drains of some length follow each other, the instances in turn."""
    end = harnesses[0].clock() + seconds
    while harnesses[0].clock() < end:
        for harness in harnesses:
            left = end - harness.clock()
            if left > 0:
                harness.drain(min(each, left))
                harness.clock.now += 0.01


@pytest.mark.parametrize(("per_minute", "each"), [(60, 20.0), (60, 120.0), (600, 120.0)])
def test_rate_of_all_is_met_over_drains_lanes_and_instances(per_minute: int, each: float) -> None:
    """Within 5 % over ten minutes, and no minute sees more than 5 % above it."""
    cap: dict[str, Any] = {"AIRFLOW_MAX_RUNS_PER_MINUTE": str(per_minute)}
    lanes = lane_routes("a", "b", "c")
    first = OutboxHarness(lanes, **cap)
    second = OutboxHarness(lanes, storage=first.storage, airflow=first.airflow, clock=first.clock, **cap)
    for lane in "abc":
        first.fill(lane, per_minute * 4)
    moments: list[float] = []
    first.airflow.answer = _timed(first, moments)

    _drain_for([first, second], 10 * MINUTE, each)

    assert len(moments) == pytest.approx(per_minute * 10, rel=0.05)
    moments.sort()
    for start in moments[:: per_minute // 4]:
        assert sum(start <= moment < start + MINUTE for moment in moments) <= per_minute * 1.05


def test_rate_of_a_route_is_met_and_leaves_the_others_alone() -> None:
    """A capped lane costs the others nothing."""
    harness = OutboxHarness(lane_routes("free", "capped", capped="max_runs_per_minute = 60"))
    harness.fill("capped", 100)
    harness.fill("free", 500)

    harness.drain(MINUTE)

    dags = [run.dag_id for run in harness.airflow.calls]
    assert dags.count("free") == 500
    assert dags.count("capped") == pytest.approx(60, abs=3)


def test_runs_that_may_have_been_sent_keep_to_the_cap_too() -> None:
    """After an outage all of them are tried again."""
    harness = OutboxHarness(lane_routes("a"), AIRFLOW_MAX_RUNS_PER_MINUTE="60")
    harness.fill("a", 200)
    harness.airflow.answer = failing(AirflowUnclear("reset"))
    harness.pass_time(300)
    harness.airflow.answer = well
    harness.pass_time(30)
    before = len(harness.airflow.runs)

    harness.drain(MINUTE)

    assert len(harness.airflow.runs) - before <= 63


def test_rate_uses_several_connections() -> None:
    """An answer that takes long does not make the app a serial sender."""
    real_time = {"clock": time.monotonic, "sleep": time.sleep, "now": utc_now}
    harness = OutboxHarness(
        lane_routes("a"), timing=real_time, AIRFLOW_MAX_RUNS_PER_MINUTE="6000", AIRFLOW_MAX_CONCURRENCY="8"
    )
    harness.fill("a", 60)
    harness.airflow.answer = lambda _: time.sleep(0.05)

    harness.dispatcher.drain(time.monotonic() + 30)

    assert len(harness.airflow.runs) == 60
    assert harness.airflow.most_in_flight["a"] >= 3


def test_cap_is_met_although_each_answer_takes_half_a_second() -> None:
    """1,200 a minute with sixteen connections: at least 1,100, in real time."""
    seconds = scaled(3, 60)
    real_time = {"clock": time.monotonic, "sleep": time.sleep, "now": utc_now}
    harness = OutboxHarness(
        timing=real_time, AIRFLOW_MAX_RUNS_PER_MINUTE="1200", AIRFLOW_MAX_CONCURRENCY="16"
    )
    harness.park(*[str(number) for number in range(20 * seconds)])
    harness.airflow.answer = lambda _: time.sleep(0.5)
    start_up = 3.0  # a lane starts with one call, and doubles with each success

    harness.dispatcher.drain(time.monotonic() + start_up + seconds)

    assert len(harness.airflow.runs) >= seconds * 1_100 / 60


@pytest.mark.parametrize("setting", ["AIRFLOW_MAX_RUNS_PER_MINUTE", "AIRFLOW_MAX_QUEUED_RUNS"])
def test_event_under_a_cap_is_sent_within_two_seconds_of_its_arrival(setting: str) -> None:
    """By the invocation that brought it, not at the next tick."""
    settings: dict[str, Any] = {setting: "60"}
    harness = OutboxHarness(**settings)
    harness.arrive("first")
    for number in range(20):
        harness.clock.now += 7
        arrived = harness.clock()
        harness.arrive(f"{number}")
        assert harness.sent[-1] == f"{number}"
        assert harness.clock() - arrived <= 2
    assert harness.waiting == []


def test_event_of_a_capped_route_is_sent_by_whoever_drains() -> None:
    """Another instance has the lease: it sees the row within a second."""
    caps: dict[str, str] = {"busy": "max_runs_per_minute = 120", "capped": "max_runs_per_minute = 600"}
    lanes = lane_routes("busy", "capped", **caps)
    draining = OutboxHarness(lanes)
    other = OutboxHarness(lanes, storage=draining.storage, airflow=draining.airflow, clock=draining.clock)
    draining.fill("busy", 60)
    moments: dict[str, float] = {}

    def answer(run: RunRequest) -> None:
        moments[str(run.conf["filename"])] = draining.clock()
        if len(moments) == 20:
            moments["arrived"] = draining.clock()
            other.arrive("capped/a")
            assert run.dag_id == "busy"

    draining.airflow.answer = answer
    draining.drain(25)

    assert moments["capped/a"] - moments["arrived"] <= 2
    assert len(moments) >= 50  # every half second a run of the other lane: nothing stopped


def test_runs_that_wait_in_airflow_hold_the_rest_back() -> None:
    """No more than the cap, and more as soon as there is room."""
    harness = OutboxHarness(lane_routes("a"), AIRFLOW_MAX_QUEUED_RUNS="25")
    harness.fill("a", 60)
    others, begun = 5, 0

    def waiting_runs(dag_id: str | None = None) -> int:
        return others + len(harness.airflow.runs) - begun

    harness.airflow.waiting_runs = waiting_runs  # type: ignore[method-assign]

    harness.drain(9)
    assert len(harness.airflow.runs) == 20
    harness.drain(30)
    assert len(harness.airflow.runs) == 20

    others, begun = 0, 20
    harness.drain(30)
    assert len(harness.airflow.runs) == 45


def test_waiting_runs_are_counted_every_ten_seconds() -> None:
    """Not for each run, and not only when the room is used up."""
    harness = OutboxHarness(lane_routes("a"), AIRFLOW_MAX_QUEUED_RUNS="1000", AIRFLOW_MAX_CONCURRENCY="1")
    harness.fill("a", 60)
    harness.airflow.answer = lambda _: harness.clock.sleep(1)

    harness.drain()

    assert harness.airflow.questions["waiting_runs"] in {6, 7}


def test_cap_of_a_templated_route_counts_each_dag() -> None:
    """One DAG with many waiting runs does not stop the others."""
    toml = (
        '[[route]]\nname = "t"\nmatch = "landing/{team}/**"\ndag_id = "dag_{team}"\n'
        'dag_ids = ["dag_a", "dag_b"]\nmax_queued_runs = 5\n'
    )
    harness = OutboxHarness(routes(toml))
    asked: list[str | None] = []

    def waiting_runs(dag_id: str | None = None) -> int:
        asked.append(dag_id)
        return 5 if dag_id == "dag_a" else 0

    harness.airflow.waiting_runs = waiting_runs  # type: ignore[method-assign]
    for team in "ab":
        harness.park(f"{team}/1", f"{team}/2", lane=Lane(route_id="t", dag_id=f"dag_{team}"))

    harness.drain(5)

    assert sorted(harness.sent) == ["b/1", "b/2"]
    assert set(asked) == {"dag_a", "dag_b"}


def test_count_that_is_refused_holds_the_route_and_says_why_once() -> None:
    """Not one line a minute, and not silently."""
    harness = OutboxHarness(lane_routes("free", "capped", capped="max_queued_runs = 5"))
    harness.fill("capped", 10)
    harness.fill("free", 10)
    harness.airflow.waiting = Forbidden("the role may not read DAG runs")

    harness.pass_time(540)

    assert {run.dag_id for run in harness.airflow.calls} == {"free"}
    state = harness.state(lane_of("capped"))
    assert state is not None
    assert state.hold is not None
    assert "cannot be counted" in state.hold.message
    assert "the role may not read DAG runs" in state.hold.message
    assert harness.log.counts["hold.started"] == 1
    assert harness.log.counts["hold.lasting"] == 1

    harness.airflow.waiting = 0
    harness.pass_time(330)
    assert len(harness.airflow.runs) == 20
    assert harness.waiting == []


def test_count_of_all_that_is_refused_holds_everything() -> None:
    """Nothing may be sent; one question a tick."""
    harness = OutboxHarness(lane_routes("a"), AIRFLOW_MAX_QUEUED_RUNS="5")
    harness.fill("a", 10)
    harness.airflow.waiting = Forbidden("no")

    harness.pass_time(300)

    assert harness.airflow.calls == []
    state = harness.state(EVERYTHING)
    assert state is not None
    assert state.hold is not None
    assert "cannot be counted" in state.hold.message
    assert harness.airflow.questions["waiting_runs"] <= 11

    harness.airflow.waiting = 0
    harness.pass_time(60)
    assert harness.airflow.calls


def test_airflow_that_is_down_when_it_is_to_count_holds_everything() -> None:
    """No run is lost, none is sent."""
    harness = OutboxHarness(lane_routes("a", a="max_queued_runs = 5"))
    harness.fill("a", 3)
    harness.airflow.down = AirflowUnreachable("down")

    harness.drain()

    assert harness.airflow.calls == []
    assert harness.state(EVERYTHING) is not None
    harness.airflow.down = None
    harness.pass_time(60)
    assert len(harness.airflow.runs) == 3


def test_bug_in_a_count_stops_nothing_else() -> None:
    """The lane waits for the next drain."""
    harness = OutboxHarness(lane_routes("free", "capped", capped="max_queued_runs = 5"))
    harness.fill("capped", 2)
    harness.fill("free", 10)

    def waiting_runs(dag_id: str | None = None) -> int:
        raise ZeroDivisionError

    harness.airflow.waiting_runs = waiting_runs  # type: ignore[method-assign]
    harness.drain()

    assert {run.dag_id for run in harness.airflow.calls} == {"free"}
    assert len(harness.waiting) == 2


def test_slow_count_lets_the_known_room_be_used() -> None:
    """A count of half a minute does not stop the lane for half a minute."""
    harness = OutboxHarness(lane_routes("a"), AIRFLOW_MAX_QUEUED_RUNS="1000")
    harness.fill("a", 200)
    counts = 0

    def waiting_runs(dag_id: str | None = None) -> int:
        nonlocal counts
        counts += 1
        if counts > 1:
            time.sleep(0.2)
        return 0

    harness.airflow.waiting_runs = waiting_runs  # type: ignore[method-assign]
    harness.airflow.answer = lambda _: harness.clock.sleep(0.2)
    started = harness.clock()
    harness.drain()

    assert len(harness.airflow.runs) == 200
    assert harness.clock() - started <= 200 * 0.2 + 2


def test_slow_count_is_said_once() -> None:
    """Runs are sent later than they could be, and nobody would know why."""
    harness = OutboxHarness(AIRFLOW_MAX_QUEUED_RUNS="5")
    count = harness.airflow.waiting_runs

    def count_slowly(dag_id: str | None = None) -> int:
        harness.clock.now += 15
        return count(dag_id)

    harness.airflow.waiting_runs = count_slowly  # type: ignore[method-assign]
    harness.park(*map(str, range(10)))

    harness.pass_time(300)

    assert harness.log.counts["cap.slow"] == 1
    assert len(harness.airflow.runs) == 10


def test_cap_that_somebody_handed_over_from_far_ahead_stops_nothing() -> None:
    """A clock that was wrong, or a cap that was another one."""
    harness = OutboxHarness(lane_routes("a"), AIRFLOW_MAX_RUNS_PER_MINUTE="60")
    harness.storage.lease.handover.next_free["*"] = harness.clock.time() + timedelta(days=4_000)
    harness.fill("a", 3)

    harness.drain(10)

    assert len(harness.airflow.runs) == 3
