"""The state of a lane: the app's hold, a person's hold and a move, each written and ended by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.model.errors import AirflowUnreachable, DagBroken, DagMissing
from shared.model.hold import LaneState, PersonHold
from shared.model.lane import EVERYTHING, NEW, STATE, Lane, LaneKind
from shared.storage.lane_states import read_state
from shared.storage.outbox import Outbox
from shared.storage.tables import Table
from tests.storage.conftest import before
from tests.support.clock import START, FakeClock

LANE = Lane(route_id="orders", dag_id="copy_file")
PERSON = PersonHold(who="ops", why="upgrade", since=START)
KEYS = {"PartitionKey": LANE.key, "RowKey": STATE}


def state_of(outbox: Outbox, lane: Lane = LANE) -> LaneState:
    """Return the state of a lane that has one."""
    state = outbox.state(lane)
    assert state is not None
    return state


def hold_by_person(outbox: Outbox) -> None:
    """Let a person hold the lane."""
    outbox.write_state(LaneState(lane=LANE, person=PERSON))


def end_of_person(table: Table) -> None:
    """Let the person take the hold away."""
    entity = table.get(LANE.key, STATE)
    assert entity is not None
    kept = {name: value for name, value in entity.items() if not name.startswith("person_")}
    table.replace(kept, etag=entity.metadata["etag"])  # type: ignore[attr-defined]


def test_state_of_an_ordered_lane_names_its_key(outbox: Outbox) -> None:
    """For people who look at it, and for the log."""
    lane = Lane(route_id="orders", dag_id="copy_file", group="acme", kind=LaneKind.ORDERED)

    outbox.hold(lane, DagMissing("The DAG is missing."))

    assert state_of(outbox, lane).lane == lane
    assert str(lane) == "orders -> copy_file (acme)"


@pytest.mark.parametrize("lane", [LANE, EVERYTHING])
def test_hold_is_written_with_what_people_ask_for(outbox: Outbox, table: Table, lane: Lane) -> None:
    """Which lane, why, in whose words, since when, and when it is tried again."""
    written = outbox.hold(lane, DagMissing("The DAG is missing."))

    state = state_of(outbox, lane)
    assert (state.lane, state.hold) == (lane, written.hold)
    assert state.etag
    assert table.get(lane.key, STATE) == {
        "PartitionKey": lane.key,
        "RowKey": "!",
        "route": lane.route_id,
        "dag_id": lane.dag_id,
        "hold_reason": "dag_missing",
        "hold_message": "The DAG is missing.",
        "hold_since": START,
        "hold_next": START + timedelta(seconds=30),
        "hold_interval_seconds": 30,
    }


def test_lane_without_a_state_has_none(outbox: Outbox) -> None:
    """With the table or without it."""
    assert outbox.state(LANE) is None


def test_hold_goes_on_where_another_instance_began_it(outbox: Outbox, clock: FakeClock) -> None:
    """Since stays while the reason stays, and the interval grows with each probe that was due."""
    for _ in range(3):
        outbox.hold(LANE, DagMissing("x"))
        clock.sleep(300)
    outbox.hold(LANE, DagMissing("y"))

    hold = state_of(outbox).hold
    assert hold
    assert (hold.since, hold.interval, hold.message) == (START, timedelta(seconds=240), "y")


def test_success_ends_the_hold(outbox: Outbox) -> None:
    """A lane that is well has no state."""
    outbox.hold(LANE, DagMissing("x"))
    outbox.hold(EVERYTHING, AirflowUnreachable("x"))

    outbox.lift(LANE)
    assert outbox.state(LANE) is None
    assert state_of(outbox, EVERYTHING).hold

    outbox.lift(EVERYTHING)
    assert outbox.state(EVERYTHING) is None


def test_end_of_a_hold_that_is_not_there_is_no_error(outbox: Outbox) -> None:
    """Two drains succeed at once."""
    outbox.lift(LANE)

    assert outbox.state(LANE) is None


def test_person_s_hold_survives_a_success(outbox: Outbox) -> None:
    """Only a person ends it."""
    hold_by_person(outbox)
    outbox.hold(LANE, DagMissing("x"))

    outbox.lift(LANE)

    state = state_of(outbox)
    assert (state.hold, state.person) == (None, PERSON)


def test_person_s_hold_that_comes_while_the_app_lifts_its_own_survives(outbox: Outbox, table: Table) -> None:
    """The state is deleted only while it is the one that was read."""
    outbox.hold(LANE, DagMissing("x"))
    before(table, "delete", lambda: hold_by_person(outbox))

    outbox.lift(LANE)

    state = state_of(outbox)
    assert (state.hold, state.person) == (None, PERSON)


def test_person_s_hold_that_has_ended_is_not_brought_back(outbox: Outbox, table: Table) -> None:
    """A failure is noted by an instance that read the state before."""
    hold_by_person(outbox)
    before(table, "upsert", lambda: end_of_person(table))

    outbox.hold(LANE, DagMissing("x"))

    state = state_of(outbox)
    assert state.person is None
    assert state.hold


def test_move_that_has_ended_is_not_brought_back(outbox: Outbox, table: Table) -> None:
    """Or nothing would post from the lane any more."""
    outbox.write_state(LaneState(lane=LANE, moving_since=START))
    before(table, "upsert", lambda: outbox.lift_mark(state_of(outbox)))

    outbox.hold(LANE, DagMissing("x"))

    assert state_of(outbox).moving_since is None


def test_success_leaves_the_mark_of_a_move(outbox: Outbox) -> None:
    """It ends when the rows have moved."""
    outbox.hold(LANE, DagMissing("x"))
    outbox.write_state(LaneState(lane=LANE, moving_since=START))

    outbox.lift(LANE)
    assert (state_of(outbox).hold, state_of(outbox).moving_since) == (None, START)

    outbox.lift_mark(state_of(outbox))
    assert outbox.state(LANE) is None


def test_mark_that_was_set_anew_is_not_taken_away(outbox: Outbox) -> None:
    """An instance with other routes has begun to move the rows again."""
    outbox.write_state(LaneState(lane=LANE, moving_since=START))
    seen = state_of(outbox)
    outbox.write_state(LaneState(lane=LANE, moving_since=START + timedelta(seconds=1)))

    outbox.lift_mark(seen)

    assert state_of(outbox).moving_since == START + timedelta(seconds=1)


def test_end_of_a_move_leaves_a_person_s_hold(outbox: Outbox) -> None:
    """Each ends by itself."""
    hold_by_person(outbox)
    outbox.write_state(LaneState(lane=LANE, moving_since=START))

    outbox.lift_mark(state_of(outbox))

    assert (state_of(outbox).moving_since, state_of(outbox).person) == (None, PERSON)


def test_words_that_no_column_takes_are_kept_as_far_as_they_go(outbox: Outbox) -> None:
    """A server may answer anything; the hold must come all the same."""
    outbox.hold(LANE, DagMissing("half \ud83d of a pair " + "😀" * 40_000))

    hold = state_of(outbox).hold
    assert hold
    assert hold.message.startswith("half ? of a pair 😀")


def test_columns_of_a_newer_version_survive(outbox: Outbox, table: Table) -> None:
    """An app that was rolled back does not know them, and does not erase them."""
    hold_by_person(outbox)
    outbox.hold(LANE, DagMissing("x"))
    table.merge({**KEYS, "seal": "s1"})

    outbox.lift(LANE)

    entity = table.get(LANE.key, STATE)
    assert entity is not None
    assert entity["seal"] == "s1"
    assert "hold_reason" not in entity


def test_state_of_an_empty_lane_is_dropped_unless_it_has_changed(outbox: Outbox) -> None:
    """Another failure may have been noted since."""
    outbox.hold(LANE, DagMissing("x"))
    old = state_of(outbox)
    outbox.hold(LANE, DagBroken("y"))

    outbox.drop_state(old)
    assert outbox.state(LANE)

    outbox.drop_state(state_of(outbox))
    assert outbox.state(LANE) is None


def test_state_whose_lane_was_edited_stays_the_state_of_its_partition(outbox: Outbox, table: Table) -> None:
    """Nobody can move a hold by editing a column."""
    outbox.hold(LANE, DagMissing("x"))
    table.merge({**KEYS, "route": "other", "dag_id": 7})

    state = state_of(outbox)
    assert state.partition == LANE.key

    outbox.drop_state(state)
    assert outbox.state(LANE) is None


ODD = [None, "", "soon", 5, -5, 10**6, True, 1.5, float("nan"), float("inf"), b"x", (2**40, "Edm.Int64"),
       datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), datetime(2026, 1, 1)]  # noqa: DTZ001  # fmt: skip
COLUMNS = (
    "route", "dag_id", "hold_reason", "hold_message", "hold_since", "hold_next", "hold_interval_seconds",
    "person_who", "person_why", "person_since", "moving_since",
)  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_state_edited_by_hand_is_read_as_far_as_it_makes_sense(column: str, value: Any) -> None:
    """No edit stops a drain, and what was edited can be used."""
    entity = {
        **KEYS, "route": "orders", "dag_id": "copy_file", "hold_reason": "dag_missing", "hold_message": "x",
        "hold_since": START, "hold_next": START, "hold_interval_seconds": 60,
        "person_who": "ops", "person_why": "y", "person_since": START, "moving_since": START,
    } | {column: value}  # fmt: skip

    state = read_state(entity)

    assert state.partition == LANE.key
    assert state.after(DagMissing("x"), START).hold
    assert str(state.error())
    if state.hold:
        assert timedelta(0) < state.hold.interval <= timedelta(minutes=5)
        assert state.hold.is_due(START) in {True, False}
    if state.person:
        assert state.person.since.tzinfo


def test_state_with_nothing_in_it_holds_nothing() -> None:
    """Made by hand, with the keys alone."""
    state = read_state(KEYS)

    assert not state.is_held
    assert state.lane == NEW


def test_interval_edited_by_hand_is_used_where_it_makes_sense(outbox: Outbox, table: Table) -> None:
    """From a second to five minutes; anything else counts as the first interval."""
    outbox.hold(LANE, DagMissing("x"))
    found = []
    for seconds in (1, 300, 0, 301, "60"):
        table.merge({**KEYS, "hold_interval_seconds": seconds})
        hold = state_of(outbox).hold
        found.append(hold.interval.total_seconds() if hold else 0)

    assert found == [1, 300, 30, 30, 30]


def test_row_made_by_hand_before_the_state_does_not_hide_a_hold(outbox: Outbox, table: Table) -> None:
    """A person's hold must stop the lane whatever else lies in it."""
    outbox.hold(LANE, DagMissing("x"))
    table.insert({"PartitionKey": LANE.key, "RowKey": " by hand"})

    [head] = outbox.lanes()

    assert head.state
    assert head.state.hold
