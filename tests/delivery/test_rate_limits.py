"""The dispatcher's pace: never more than the caps."""

import pytest

from shared.delivery.rate_limits import Pace
from shared.model.errors import RateLimited
from shared.model.run_request import RunRequest
from tests.support.fakes import FakeAirflow, FakeClock


def _run(route: str = "r", **limits: int) -> RunRequest:
    return RunRequest(dag_id="d", run_id="i", conf={}, route=route, route_id=route, **limits)  # type: ignore[arg-type]


def _admitted(pace: Pace, run: RunRequest, clock: FakeClock, *, seconds: int) -> list[float]:
    moments = []
    end = clock.now + seconds
    while clock.now < end:
        try:
            pace.admit(run)
            moments.append(clock.now)
        except RateLimited as held:
            clock.now += held.retry_after_seconds or float("nan")
    return moments


@pytest.mark.parametrize("per_minute", [1, 7, 60, 600])
def test_no_minute_sees_more_than_the_rate(per_minute: int) -> None:
    """And the rate is used: no run waits longer than it must."""
    clock = FakeClock()
    pace = Pace(FakeAirflow(), max_runs_per_minute=per_minute, max_queued_runs=None, clock=clock)

    moments = _admitted(pace, _run(), clock, seconds=600)

    for start in moments:
        # The clock of the test adds up fractions; a millisecond is not the point.
        assert sum(start <= moment < start + 59.999 for moment in moments) <= per_minute
    assert len(moments) >= per_minute * 10 - 2


def test_rate_of_one_route_leaves_the_others_alone() -> None:
    """Each route has a bucket of its own."""
    clock = FakeClock()
    pace = Pace(FakeAirflow(), max_runs_per_minute=None, max_queued_runs=None, clock=clock)
    slow = _run("slow", max_runs_per_minute=1)

    with pytest.raises(RateLimited):
        pace.admit(slow)

    pace.admit(_run("free"))
    assert pace.turns(4) == 4


def test_waiting_runs_fill_up_to_the_cap_and_no_further() -> None:
    """Airflow is asked again when the room that was found is used up, at most every 10 s."""
    clock = FakeClock()
    airflow = FakeAirflow(waiting=7)
    pace = Pace(airflow, max_runs_per_minute=None, max_queued_runs=10, clock=clock)

    assert pace.turns(8) == 3
    for _ in range(3):
        pace.admit(_run())
    with pytest.raises(RateLimited):
        pace.admit(_run())
    assert (pace.turns(8), pace.seconds_until_turn()) == (0, 10.0)

    airflow.waiting = 10
    clock.now += 10
    assert pace.turns(8) == 0

    airflow.waiting = 4
    clock.now += 10
    assert pace.turns(8) == 6


def test_without_caps_nothing_is_held_back() -> None:
    """The default."""
    pace = Pace(FakeAirflow(waiting=10**6), max_runs_per_minute=None, max_queued_runs=None, clock=FakeClock())

    for _ in range(1_000):
        pace.admit(_run())

    assert (pace.turns(4), pace.seconds_until_turn()) == (4, 0.0)


def test_room_is_counted_anew_after_a_while_even_if_some_is_left() -> None:
    """Airflow may have been filled by others."""
    clock = FakeClock()
    airflow = FakeAirflow(waiting=40)
    pace = Pace(airflow, max_runs_per_minute=None, max_queued_runs=100, clock=clock)
    assert pace.turns(100) == 60

    airflow.waiting = 100
    clock.now += 10

    assert pace.turns(100) == 0


def test_refused_runs_are_told_times_of_their_own() -> None:
    """Otherwise all of them would come for the same turn, again and again."""
    clock = FakeClock()
    pace = Pace(FakeAirflow(), max_runs_per_minute=None, max_queued_runs=None, clock=clock)
    waits = []
    for _ in range(4):
        with pytest.raises(RateLimited) as held:
            pace.admit(_run("slow", max_runs_per_minute=6))
        waits.append(held.value.retry_after_seconds)

    assert waits == [10.0, 20.0, 30.0, 40.0]
