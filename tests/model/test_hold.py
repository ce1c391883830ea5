"""How a hold begins, when it is tried again, and what it tells the events that it keeps back."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.model.errors import (
    AirflowUnclear,
    AirflowUnreachable,
    CredentialsRefused,
    DagBroken,
    DagMissing,
    RetryableError,
    Scope,
)
from shared.model.hold import Hold, LaneState, PersonHold, lane_of
from shared.model.lane import EVERYTHING, NEW, Lane

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
LANE = Lane(route_id="orders", dag_id="copy_file")
MISSING = DagMissing("The DAG 'copy_file' is missing.")


def seconds(number: float) -> timedelta:
    """Return a time span."""
    return timedelta(seconds=number)


def held(error: RetryableError = MISSING, now: datetime = NOW) -> Hold:
    """Return the hold after a first failure."""
    hold = LaneState(lane=LANE).after(error, now).hold
    assert hold
    return hold


def after_probes(error: RetryableError, number: int, late: timedelta = timedelta(0)) -> list[float]:
    """Return the intervals of a hold whose probes fail one after the other, each when it is due."""
    state = LaneState(lane=LANE).after(error, NOW)
    intervals = []
    for _ in range(number):
        assert state.hold
        intervals.append(state.hold.interval.total_seconds())
        state = state.after(error, state.hold.next_probe + late)
    return intervals


def test_first_failure_is_tried_again_after_half_a_minute() -> None:
    """With the reason, Airflow's own words, and since when."""
    assert held() == Hold(
        reason="dag_missing",
        message="The DAG 'copy_file' is missing.",
        since=NOW,
        next_probe=NOW + seconds(30),
        interval=seconds(30),
    )


@pytest.mark.parametrize("late", [0, 1, 5])
def test_interval_of_a_lane_grows_after_three_minutes_up_to_five(late: float) -> None:
    """A trouble of minutes costs no minutes afterwards; a lasting one few calls."""
    intervals = after_probes(MISSING, 12, seconds(late))

    assert set(intervals[:5]) == {30}
    assert [length for length in intervals if length > 30] == [60, 120, 240, 300, 300, 300][
        : 12 - intervals.count(30)
    ]
    assert intervals.count(30) <= 6


def test_interval_doubles_with_each_failed_probe_however_late_it_comes() -> None:
    """A cause that is repaired is noticed within minutes, however long it lasted."""
    assert after_probes(MISSING, 6, seconds(3_599)) == [30, 60, 120, 240, 300, 300]


def test_failure_that_was_no_probe_doubles_nothing() -> None:
    """Ten calls that were under way together fail together; that is one failure of the lane."""
    state = LaneState(lane=LANE).after(MISSING, NOW)
    for number in range(1, 11):
        state = state.after(MISSING, NOW + seconds(number))

    assert state.hold
    assert state.hold.interval == seconds(30)
    assert state.hold.next_probe == NOW + seconds(40)


def test_interval_of_everything_does_not_grow() -> None:
    """An outage of an hour is over half a minute after Airflow's first answer."""
    assert after_probes(AirflowUnreachable("refused"), 5) == [30, 30, 30, 30, 30]


def test_since_stays_while_the_reason_stays() -> None:
    """Seven days of a missing DAG are counted from the first failure; the words are the last ones."""
    state = LaneState(lane=LANE).after(MISSING, NOW)
    for hours in range(1, 5):
        state = state.after(DagMissing(f"Missing for {hours} h."), NOW + timedelta(hours=hours))

    assert state.hold
    assert state.hold.since == NOW
    assert state.hold.message == "Missing for 4 h."


def test_another_reason_begins_anew() -> None:
    """A DAG that is there, but broken, is not missing any more."""
    state = LaneState(lane=LANE).after(MISSING, NOW).after(MISSING, NOW + seconds(30))
    later = NOW + timedelta(days=6)
    state = state.after(DagBroken("Import error."), later)

    assert state.hold
    assert (state.hold.reason, state.hold.since, state.hold.interval) == ("dag_broken", later, seconds(30))


@pytest.mark.parametrize(
    ("asked", "wait"),
    [(None, 15), (0.0, 15), (-5.0, 15), (10.0, 15), (20.0, 20), (90.0, 90), (86_400.0, 3_600),
     (float("inf"), 3_600)],
)  # fmt: skip
def test_retry_after_is_the_least_and_an_hour_the_most(asked: float | None, wait: float) -> None:
    """A server may ask for time, and gets all of it; it cannot stop the app for a day."""
    hold = held(DagMissing("Missing.", retry_after_seconds=asked))

    assert not hold.is_due(NOW + seconds(wait - 0.001))
    assert hold.is_due(NOW + seconds(wait))


def test_retry_after_does_not_become_the_interval() -> None:
    """What was asked once holds once."""
    state = LaneState(lane=LANE).after(DagMissing("Missing.", retry_after_seconds=600), NOW)
    state = state.after(MISSING, NOW + seconds(600))

    assert state.hold
    assert state.hold.interval == seconds(60)


@pytest.mark.parametrize(
    ("offset", "is_due"),
    [(-1e9, True), (-1, True), (0, True), (15, True), (15.001, False), (29, False), (3_615, False),
     (3_615.001, True), (86_400 * 365, True)],
)  # fmt: skip
def test_probe_is_due_at_its_time_or_when_its_time_is_a_mistake(offset: float, is_due: bool) -> None:  # noqa: FBT001
    """Half a tick early is in time, or a tick would pass. A time beyond any wait is a mistake, so due."""
    hold = Hold(reason="x", message="", since=NOW, next_probe=NOW + seconds(offset), interval=seconds(30))

    assert hold.is_due(NOW) is is_due


@pytest.mark.parametrize(
    "moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)]
)
def test_any_time_can_be_compared(moment: datetime) -> None:
    """The first and the last that there are."""
    hold = Hold(reason="x", message="", since=NOW, next_probe=moment, interval=seconds(30))

    assert hold.is_due(NOW)


def test_what_others_wrote_into_the_state_stays() -> None:
    """A failure adds the app's hold; a person's and the mark of a move are not its business."""
    person = PersonHold(who="ops", why="maintenance", since=NOW)
    state = LaneState(lane=LANE, person=person, moving_since=NOW, row_partition="p", etag="e").after(
        MISSING, NOW
    )

    assert (state.person, state.moving_since, state.partition, state.etag) == (person, NOW, "p", "e")


def test_state_that_was_not_read_has_the_partition_of_its_lane() -> None:
    """One that was read keeps the partition where it lies: people may have edited the other columns."""
    assert LaneState(lane=LANE).partition == LANE.key
    assert LaneState(lane=NEW, row_partition="x").partition == "x"


@pytest.mark.parametrize(
    ("state", "is_held"),
    [
        (LaneState(lane=LANE), False),
        (LaneState(lane=LANE, hold=held()), True),
        (LaneState(lane=LANE, person=PersonHold(who="ops", why="", since=NOW)), True),
        (LaneState(lane=LANE, moving_since=NOW), True),
    ],
)
def test_hold_person_and_move_keep_live_calls_back(state: LaneState, is_held: bool) -> None:  # noqa: FBT001
    """Each by itself."""
    assert state.is_held is is_held


def test_event_is_told_why_it_waits() -> None:
    """A person's words first, then the move, then Airflow's words; and always which lane."""
    state = LaneState(lane=LANE, hold=held())
    moving = LaneState(lane=LANE, hold=held(), moving_since=NOW)
    person = LaneState(
        lane=LANE, hold=held(), moving_since=NOW, person=PersonHold(who="ops", why="upgrade", since=NOW)
    )

    assert str(state.error()) == "On hold (orders -> copy_file): The DAG 'copy_file' is missing."
    assert str(moving.error()).startswith("Moving to another DAG")
    assert str(person.error()) == "Held by ops (orders -> copy_file): upgrade"
    assert LaneState(lane=LANE).error().code == "on_hold"


def test_failure_holds_what_it_says_something_about() -> None:
    """Airflow or the log-in: everything. A DAG: its lane. One event: nothing."""
    unclear = AirflowUnclear("timeout")

    assert lane_of(CredentialsRefused("401"), LANE) == EVERYTHING
    assert lane_of(MISSING, LANE) == LANE
    assert lane_of(unclear, LANE) is None

    unclear.scope = Scope.LANE
    assert lane_of(unclear, LANE) == LANE
