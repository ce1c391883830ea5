"""Events that are known by name only: each arrival is a row, which moves to the time when it is due."""

from datetime import timedelta

import pytest

from shared.model.errors import AirflowUnclear
from shared.model.lane import NEW
from shared.storage.outbox import Outbox, row_key
from shared.storage.tables import Written
from tests.storage.waiting import by_name, names, read, waiting
from tests.support.clock import START, FakeClock


def test_each_arrival_by_name_is_a_row(outbox: Outbox) -> None:
    """The second one may mean a newer version: it is not settled by the delivery of the first."""
    outbox.park(by_name())
    [first] = waiting(outbox, NEW.key)
    outbox.park(by_name())
    outbox.park(by_name())
    outbox.delete([first])

    assert names(waiting(outbox, NEW.key)) == ["a.csv", "a.csv"]


def test_event_by_name_moves_to_the_time_when_it_is_due(outbox: Outbox, clock: FakeClock) -> None:
    """In one transaction; it keeps its history and when it was parked, and sorts behind what is due first."""
    outbox.park(by_name("later"))
    clock.sleep(1)
    outbox.park(by_name("sooner"))
    row = waiting(outbox, NEW.key)[0]
    due = START + timedelta(minutes=5)

    written = outbox.defer(row, read(row).after(AirflowUnclear("x"), now=START, not_before=due))

    rows = waiting(outbox, NEW.key)
    assert written is Written.DONE
    assert names(rows) == ["sooner", "later"]
    assert (read(rows[1]).not_before, read(rows[1]).parked_at) == (due, START)
    assert read(rows[1]).history["airflow_unclear"].count == 1


def test_event_by_name_that_somebody_else_has_moved_is_not_doubled(outbox: Outbox) -> None:
    """Two drains reschedule the same row: one of them."""
    outbox.park(by_name())
    [row] = waiting(outbox, NEW.key)

    done = [
        outbox.defer(row, read(row).after(AirflowUnclear(text), now=START, not_before=START))
        for text in ("one", "two")
    ]

    assert done == [Written.DONE, Written.CHANGED]
    assert [read(row).message for row in waiting(outbox, NEW.key)] == ["one"]


def test_event_by_name_that_was_delivered_meanwhile_does_not_come_back(outbox: Outbox) -> None:
    """Delete and insert are one transaction: no insert without its delete."""
    outbox.park(by_name())
    [row] = waiting(outbox, NEW.key)
    outbox.delete([row])

    written = outbox.defer(row, read(row).after(AirflowUnclear("x"), now=START, not_before=START))

    assert written is Written.CHANGED
    assert waiting(outbox, NEW.key) == []


def test_event_by_name_needs_a_time_for_its_key() -> None:
    """Keys of arrivals sort by it."""
    with pytest.raises(ValueError, match="needs the time"):
        row_key(by_name(), unique="x")
