"""Rows that wait for companions, in memory and in Azurite: found by name, looked at in time."""

from dataclasses import replace
from datetime import timedelta

from shared.event_log import EventLog
from shared.model.companion import Companion
from shared.model.errors import CompanionMissing, DagMissing
from shared.model.lane import Lane, LaneKind, waiting_prefix
from shared.model.pending import Pending
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Outbox
from shared.storage.tables import Table
from tests.storage.row_samples import RICH
from tests.support.clock import START, FakeClock
from tests.support.samples import blob_event

LANE = Lane(route_id="orders", dag_id="", kind=LaneKind.COMPANIONS)
SOON, LATER = START + timedelta(hours=1), START + timedelta(hours=2)


def pending(name: str = "a.csv", etag: str = "1") -> Pending:
    """Return a version that waits."""
    event = blob_event(name=name, etag=etag)
    return Pending(container="landing", name=name, event=event, lane=LANE, not_before=SOON)


def names(outbox: Outbox | DeadLetters, path: str) -> list[tuple[str, str]]:
    """Return the versions of a blob that are found."""
    prefix = waiting_prefix(path)
    rows = outbox.rows(LANE.key, after=prefix, end=prefix + "~", most=100)
    return sorted(
        (row.pending.name, row.pending.event.etag) for row in rows if row.pending and row.pending.event
    )


def test_all_versions_of_a_name_are_found_and_no_others(outbox: Outbox) -> None:
    """By the name that the companion's leads to."""
    for each in (pending(), pending(etag="2"), pending("a.csv2"), pending("a"), pending("b.csv")):
        outbox.park(each)

    assert names(outbox, "landing/a.csv") == [("a.csv", "1"), ("a.csv", "2")]
    assert names(outbox, "landing/none") == []


def test_letter_is_found_as_its_row_was_and_deleted_once(table: Table, clock: FakeClock) -> None:
    """Under the same key; one that has died again meanwhile stays."""
    dead = DeadLetters(table, EventLog(), now=clock.time)
    dead.add(pending(), CompanionMissing("x"))
    prefix = waiting_prefix("landing/a.csv")
    [letter] = dead.rows(LANE.key, after=prefix, end=prefix + "~", most=2)

    dead.add(pending(), CompanionMissing("x"))
    dead.delete(letter)
    assert names(dead, "landing/a.csv") == [("a.csv", "1")]

    [letter] = dead.rows(LANE.key, after=prefix, end=prefix + "~", most=2)
    dead.delete(letter)
    assert names(dead, "landing/a.csv") == []


def test_companions_come_back_from_their_row(outbox: Outbox) -> None:
    """The run is sent later, with their facts."""
    companion = Companion.of(RICH)
    runs = Lane(route_id="orders", dag_id="load")
    outbox.park(replace(pending(), lane=runs, companions=(companion, companion)))

    [row] = outbox.rows(runs.key, most=2)

    assert row.pending
    assert row.pending.companions == (companion, companion)


def test_lane_is_looked_at_by_the_earliest_time(outbox: Outbox) -> None:
    """A later one changes nothing, an earlier one does; a hold comes and goes beside it."""
    outbox.look_at(LANE, LATER)
    outbox.look_at(LANE, SOON)
    outbox.hold(LANE, DagMissing("x"))
    outbox.look_at(LANE, LATER)

    state = outbox.state(LANE)
    assert state
    assert state.next_look == SOON
    assert state.hold
    outbox.lift(LANE)
    state = outbox.state(LANE)
    assert state
    assert (state.next_look, state.hold) == (SOON, None)


def test_look_is_put_off_only_while_nobody_has_changed_the_state(outbox: Outbox) -> None:
    """A row that was written meanwhile may be due earlier."""
    outbox.look_at(LANE, LATER)
    state = outbox.state(LANE)
    assert state
    outbox.look_at(LANE, SOON)

    outbox.look_later(state, LATER + timedelta(hours=1))

    current = outbox.state(LANE)
    assert current
    assert current.next_look == SOON
    outbox.look_later(current, LATER)
    current = outbox.state(LANE)
    assert current
    assert current.next_look == LATER
