"""Events that wait in an outbox, for its tests."""

from datetime import timedelta
from typing import Any

from shared.model.lane import Lane
from shared.model.pending import Pending
from shared.storage.outbox import Outbox
from shared.storage.rows import Row
from tests.storage.row_samples import LANE
from tests.support.clock import START
from tests.support.samples import blob_event


def pending(name: str = "a.csv", *, lane: Lane = LANE, seconds: float = 0, **changes: Any) -> Pending:
    """Return an event of a lane; `seconds` moves the time of its event."""
    event = blob_event(name=name, event_time=START + timedelta(seconds=seconds))
    values: dict[str, Any] = {"event": event, "lane": lane, "run_id": "blob__x"}
    return Pending(container=event.container, name=name, **(values | changes))


def by_name(name: str = "a.csv") -> Pending:
    """Return an event that is known by name only."""
    return Pending(container="landing", name=name)


def waiting(outbox: Outbox, partition: str = LANE.key) -> list[Row]:
    """Return all rows of a lane."""
    return outbox.rows(partition, most=1_000)


def only(outbox: Outbox, lane: Lane = LANE) -> Row:
    """Return the only row of a lane."""
    [row] = waiting(outbox, lane.key)
    return row


def read(row: Row) -> Pending:
    """Return what a row holds."""
    assert row.pending, row.fault
    return row.pending


def names(rows: list[Row]) -> list[str]:
    """Return the names of blobs in the order of their rows."""
    return [read(row).name for row in rows]
