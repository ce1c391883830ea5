"""What an instance believes to be on hold: learnt by a failure or a look, read again while believed."""

from datetime import timedelta

import pytest

from shared.delivery.holds import Holds
from shared.model.errors import DagMissing, OnHold, StorageUnavailable
from shared.model.hold import LaneState, PersonHold
from shared.model.lane import EVERYTHING, Lane
from tests.support.clock import FakeClock

LANE = Lane(route_id="r", dag_id="d")
OTHER = Lane(route_id="other", dag_id="d")


class Stage:
    """Holds over a dictionary that stands for the table.

    Attributes:
        states: By lane, what the table has.
        reads: The lanes that were read.
    """

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.states: dict[Lane, LaneState] = {}
        self.reads: list[Lane] = []
        self.is_down = False
        self.holds = Holds(self._read, clock=self.clock)

    def _read(self, lane: Lane) -> LaneState | None:
        self.reads.append(lane)
        if self.is_down:
            msg = "down"
            raise StorageUnavailable(msg)
        return self.states.get(lane)

    def held(self, lane: Lane = LANE) -> LaneState:
        """Put a lane on hold in the table."""
        self.states[lane] = LaneState(lane=lane).after(DagMissing("no such DAG"), self.clock.time())
        return self.states[lane]

    def is_free(self, lane: Lane = LANE) -> bool:
        """Tell whether runs of a lane may be sent."""
        try:
            self.holds.check(lane)
        except OnHold:
            return False
        return True


def test_without_a_hold_nothing_is_read() -> None:
    """The happy path costs no request."""
    stage = Stage()

    assert stage.is_free()
    assert stage.reads == []


def test_hold_keeps_its_own_lane_back_and_no_other() -> None:
    """And says why."""
    stage = Stage()
    stage.holds.believe(stage.held())

    with pytest.raises(OnHold, match="no such DAG"):
        stage.holds.check(LANE)
    assert stage.is_free(OTHER)


def test_hold_on_everything_keeps_every_lane_back() -> None:
    """Airflow is down."""
    stage = Stage()
    stage.holds.believe(stage.held(EVERYTHING))

    assert not stage.is_free(LANE)
    assert not stage.is_free(OTHER)


def test_believed_hold_is_read_again_every_five_seconds_at_most() -> None:
    """Whatever the number of events."""
    stage = Stage()
    stage.holds.believe(stage.held())

    for _ in range(100):
        stage.clock.now += 0.2
        assert not stage.is_free()

    assert len(stage.reads) == 4


def test_hold_that_has_ended_in_the_table_is_forgotten() -> None:
    """Live calls go on within five seconds."""
    stage = Stage()
    stage.holds.believe(stage.held())
    stage.states.clear()

    assert not stage.is_free()
    stage.clock.now += 5
    assert stage.is_free()
    stage.clock.now += 5
    assert stage.is_free()
    assert len(stage.reads) == 1


def test_state_that_holds_nothing_is_no_hold() -> None:
    """The row may be there for another reason."""
    stage = Stage()
    stage.holds.believe(stage.held())
    stage.states[LANE] = LaneState(lane=LANE)
    stage.clock.now += 5

    assert stage.is_free()


def test_hold_is_believed_while_it_cannot_be_read() -> None:
    """Storage that is down ends no hold."""
    stage = Stage()
    stage.holds.believe(stage.held())
    stage.is_down = True
    stage.clock.now += 5

    assert not stage.is_free()


def test_look_at_all_lanes_replaces_what_was_believed() -> None:
    """Holds that are gone go, holds of others come, a person's too."""
    stage = Stage()
    stage.holds.believe(stage.held())
    person = PersonHold(who="ann", why="maintenance", since=stage.clock.time())

    stage.holds.learn([LaneState(lane=OTHER, person=person), LaneState(lane=LANE)])

    assert stage.is_free(LANE)
    with pytest.raises(OnHold, match=r"ann.*maintenance"):
        stage.holds.check(OTHER)


def test_lane_whose_rows_are_moving_is_kept_back() -> None:
    """From the mark on nothing of it is sent."""
    stage = Stage()

    stage.holds.learn([LaneState(lane=LANE, moving_since=stage.clock.time() - timedelta(seconds=1))])

    with pytest.raises(OnHold, match="Moving to another DAG"):
        stage.holds.check(LANE)


def test_one_thread_reads_while_the_others_go_by_what_is_known() -> None:
    """A slow table holds up one event."""
    stage = Stage()
    stage.holds.believe(stage.held())
    stage.clock.now += 5
    seen = []

    def read(lane: Lane) -> LaneState | None:
        seen.append(stage.is_free())
        return None

    stage.holds._read = read

    assert stage.is_free()
    assert seen == [False]


def test_only_the_first_thread_that_finds_a_failure_brings_news() -> None:
    """The others set the same hold; a log line for each would be a line for each file."""
    stage = Stage()

    assert stage.holds.believe(stage.held())
    assert not stage.holds.believe(stage.held())

    stage.holds.forget(LANE)
    assert stage.holds.believe(stage.held())
