"""The caps: so many runs a minute, so many that wait in Airflow."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.delivery.rate_limits import GLOBAL, Caps, QueuedRunsLimit, is_capped
from shared.model.run_request import RunRequest
from tests.support.clock import FakeClock


def _run(route: str = "r", dag_id: str = "d", **limits: Any) -> RunRequest:
    values: dict[str, Any] = {"dag_id": dag_id, "run_id": "i", "conf": {}, "route": route, "route_id": route}
    return RunRequest(**values, **limits)


def _caps(clock: FakeClock, next_free: dict[str, datetime] | None = None, **caps: int | None) -> Caps:
    values: dict[str, Any] = {"max_runs_per_minute": None, "max_queued_runs": None, **caps}
    return Caps(**values, next_free=next_free or {}, now=clock.time, clock=clock)


def _sent(caps: Caps, run: RunRequest, clock: FakeClock, *, seconds: float) -> list[float]:
    """Send as soon as the caps allow it; return the moments."""
    moments: list[float] = []
    end = clock.now + seconds
    while True:
        clock.now += caps.wait_for(run).total_seconds()
        if clock.now >= end:
            return moments
        caps.take(run)
        moments.append(clock.now)


def _count(caps: Caps, run: RunRequest, waiting: int, clock: FakeClock, *, in_flight: int = 0) -> int:
    """Carry out the counts that are due; return how many there were."""
    due = caps.due_counts(run)
    for limit in due:
        limit.begin(in_flight=in_flight, clock=clock())
        limit.counted(waiting)
    return len(due)


@pytest.mark.parametrize("per_minute", [1, 7, 60, 600])
def test_no_minute_sees_more_than_the_rate_and_none_much_less(per_minute: int) -> None:
    """Evenly spaced, and used."""
    clock = FakeClock()
    caps = _caps(clock, max_runs_per_minute=per_minute)

    moments = _sent(caps, _run(), clock, seconds=600)

    for start in moments:
        # The clock of the test adds up fractions; a millisecond is not the point.
        assert sum(start <= moment < start + 59.999 for moment in moments) <= per_minute
    assert len(moments) >= per_minute * 10 - 2


def test_rate_of_one_route_leaves_the_others_alone() -> None:
    """Each route has its own."""
    clock = FakeClock()
    caps = _caps(clock)
    slow = _run("slow", max_runs_per_minute=1)

    caps.take(slow)

    assert caps.wait_for(slow) > timedelta(minutes=1)
    assert caps.wait_for(_run("free")) == timedelta(0)


def test_strictest_cap_counts() -> None:
    """A route's rate and the rate of all."""
    clock = FakeClock()
    caps = _caps(clock, max_runs_per_minute=60)
    slow = _run("slow", max_runs_per_minute=6)

    assert len(_sent(caps, slow, clock, seconds=600)) == pytest.approx(60, abs=2)


def test_idle_rate_saves_up_one_second_and_no_more() -> None:
    """A loop that wakes up late loses no pace; an idle hour gives no burst."""
    clock = FakeClock()
    caps = _caps(clock, max_runs_per_minute=600)
    _sent(caps, _run(), clock, seconds=10)
    clock.now += 3_600

    burst = 0
    while caps.wait_for(_run()) == timedelta(0):
        caps.take(_run())
        burst += 1

    assert burst <= 11


def test_loop_that_wakes_up_late_loses_no_pace() -> None:
    """The permit that it was late for is kept."""
    clock = FakeClock()
    caps = _caps(clock, max_runs_per_minute=600)
    started = clock()
    for _ in range(100):
        clock.now += caps.wait_for(_run()).total_seconds() + 0.05
        caps.take(_run())

    assert clock() - started <= 11


def test_new_cap_lets_its_first_run_wait() -> None:
    """Whoever sent before may have sent just now."""
    clock = FakeClock()

    assert _caps(clock, max_runs_per_minute=6).wait_for(_run()) == timedelta(seconds=10)


def test_rate_goes_on_where_the_last_drain_left_it() -> None:
    """Neither a burst nor a pause between two drains."""
    clock = FakeClock()
    first = _caps(clock, max_runs_per_minute=6)
    _sent(first, _run(), clock, seconds=60)
    clock.now -= 4

    second = _caps(clock, first.next_free, max_runs_per_minute=6)

    assert second.wait_for(_run()) == first.wait_for(_run())


def test_what_this_drain_did_not_touch_is_handed_on_as_it_is() -> None:
    """A cap of a lane that had no turn."""
    clock = FakeClock()
    left = {"other": clock.time() + timedelta(seconds=7)}
    caps = _caps(clock, left, max_runs_per_minute=60)
    caps.take(_run())

    assert caps.next_free["other"] == left["other"]
    assert set(caps.next_free) == {"other", GLOBAL}


def test_time_far_ahead_does_not_stop_a_cap() -> None:
    """It was left by another cap, or by another clock."""
    clock = FakeClock()
    left = {GLOBAL: clock.time() + timedelta(days=400)}

    assert _caps(clock, left, max_runs_per_minute=60).wait_for(_run()) <= timedelta(seconds=1)


def test_nothing_is_sent_before_the_first_count() -> None:
    """How many wait in Airflow is not known."""
    clock = FakeClock()
    caps = _caps(clock, max_queued_runs=5)

    assert caps.wait_for(_run()) > timedelta(0)
    assert _count(caps, _run(), 3, clock) == 1
    assert len(_sent(caps, _run(), clock, seconds=1)) == 2


def test_runs_are_counted_every_ten_seconds_also_while_there_is_room() -> None:
    """Others may have filled Airflow."""
    clock = FakeClock()
    caps = _caps(clock, max_queued_runs=100)
    _count(caps, _run(), 40, clock)

    clock.now += 9
    assert _count(caps, _run(), 100, clock) == 0
    clock.now += 1
    assert _count(caps, _run(), 100, clock) == 1

    assert caps.wait_for(_run()) == timedelta(seconds=10)


def test_room_that_is_left_is_used_while_a_count_is_under_way() -> None:
    """A slow count does not stop the rest."""
    clock = FakeClock()
    caps = _caps(clock, max_queued_runs=10)
    _count(caps, _run(), 0, clock)
    clock.now += 10
    [limit] = caps.due_counts(_run())
    limit.begin(in_flight=0, clock=clock())
    clock.now += 60

    assert caps.wait_for(_run()) == timedelta(0)
    assert caps.due_counts(_run()) == []


def test_count_that_took_longer_than_it_holds_is_used_all_the_same() -> None:
    """Otherwise a slow Airflow gets no run at all."""
    clock = FakeClock()
    limit = QueuedRunsLimit(most=10, dag_id=None)
    limit.begin(in_flight=0, clock=clock())
    clock.now += 60
    limit.counted(4)

    assert limit.free == 6
    assert limit.count_at <= clock()


def test_runs_that_a_count_may_have_missed_are_taken_off() -> None:
    """What was in flight when it began, and what was sent until its answer."""
    limit = QueuedRunsLimit(most=10, dag_id=None, free=3)
    limit.begin(in_flight=2, clock=0.0)
    limit.take()

    limit.counted(4)

    assert limit.free == 10 - 4 - 2 - 1


def test_cap_of_a_templated_route_counts_each_dag() -> None:
    """The runs of one DAG say nothing about another's."""
    caps = _caps(FakeClock())

    dags = [
        limit.dag_id
        for dag_id in ("a", "b")
        for limit in caps.due_counts(_run(dag_id=dag_id, max_queued_runs=5))
    ]

    assert dags == ["a", "b"]


def test_without_caps_nothing_is_held_back_or_counted() -> None:
    """The default."""
    caps = _caps(FakeClock())

    assert caps.due_counts(_run()) == []
    assert caps.wait_for(_run()) == timedelta(0)
    assert not is_capped(_run())


@pytest.mark.parametrize("run", [_run(max_runs_per_minute=1), _run(max_queued_runs=1)])
def test_either_cap_of_a_route_makes_it_a_capped_one(run: RunRequest) -> None:
    """Its runs go through the outbox."""
    assert is_capped(run)
