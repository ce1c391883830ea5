"""`Outbox`: the table `airflowoutbox`, where events wait that cannot be delivered now.

A lane is a partition, an event is a row, and the row `!` is the lane's state. Rows are inserted or updated,
never upserted, and deleted only while their ETag is the one that was read: docs/decisions/0003-outbox.md.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.model.errors import RetryableError, StorageUnavailable
from shared.model.hold import LaneState
from shared.model.lane import EVERYTHING, NEW, ROWS_END, STATE, Lane, arrival_key, version_key
from shared.model.pending import Pending
from shared.storage.lane_states import columns_of_state, read_state
from shared.storage.rows import SENT, Row, columns_of, columns_of_failure, read_row
from shared.storage.tables import Entity, Table, Written

TABLE = "airflowoutbox"
_TRIES = 5
_MOST_COUNTED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The first row of a lane: its state, or the oldest event where the lane has no state."""

    partition: str
    state: LaneState | None = None
    row: Row | None = None


class Outbox:
    """Keeps pending events until they are delivered or dead. All methods raise StorageUnavailable.

    Args:
        table: The table.
        now: The time, aware.
        retry: Calls a write again for a while: an event that cannot be written fails its invocation.
    """

    def __init__(
        self,
        table: Table,
        *,
        now: Callable[[], datetime],
        retry: Callable[[Callable[[], None]], None] = lambda write: write(),
    ) -> None:
        self._table = table
        self._now = now
        self._retry = retry

    def park(self, pending: Pending) -> None:
        """Write the event, or add to the row that it has already what is new."""
        # One time and one unique name for all tries: a reply that was lost is not a second arrival.
        pending = replace(pending, parked_at=pending.parked_at or self._now())
        key = row_key(pending, unique=uuid.uuid4().hex)
        self._retry(lambda: self._insert_or_update(pending, key))

    def _insert_or_update(self, pending: Pending, key: str) -> None:
        keys = {"PartitionKey": pending.lane.key, "RowKey": key}
        whole = {**keys, **columns_of(pending)}
        # Not the history, which another writer may have carried further; not the time it is due.
        news = {
            name: value
            for name, value in columns_of_failure(pending).items()
            if name.startswith(SENT) or name in {"reason", "message"}
        }
        for _ in range(_TRIES):
            if self._table.insert(whole) is Written.DONE:
                return
            if self._table.merge({**keys, **news}) is Written.DONE:
                return
            # It was deleted between the two: the event may have come again since, so it is written anew.
        msg = "A row is deleted and made again by others without end."
        raise StorageUnavailable(msg)

    def lanes(self) -> Iterator[Head]:
        """Read the first row of every lane, in the order of their keys: one request for each."""
        last = ""
        while True:
            found = self._table.query("PartitionKey gt @last", {"last": last}, most=1)
            if not found:
                return
            last = str(found[0]["PartitionKey"])
            key = str(found[0]["RowKey"])
            # A row made by hand may sort before the state, which must not hide a hold.
            state = self._table.get(last, STATE) if key < STATE else found[0]
            if state and state["RowKey"] == STATE:
                yield Head(partition=last, state=read_state(state))
            else:
                yield Head(partition=last, row=read_row(found[0]))

    def rows(self, partition: str, *, after: str = STATE, most: int) -> list[Row]:
        """Read the next rows of a lane, in their order."""
        found = self._table.query(
            "PartitionKey eq @lane and RowKey gt @after and RowKey lt @end",
            {"lane": partition, "after": after, "end": ROWS_END},
            most=most,
        )
        return [read_row(entity) for entity in found]

    def has_rows(self, partition: str) -> bool:
        """Tell whether anything waits in the lane."""
        return bool(self.rows(partition, most=1))

    def count(self, lane: Lane) -> int:
        """Count the rows of a lane, or of everything, 1,000 at the most; -1 where storage does not answer."""
        where = "RowKey gt @after and RowKey lt @end"
        bounds = {"after": STATE, "end": ROWS_END}
        if lane != EVERYTHING:
            where, bounds = f"PartitionKey eq @lane and {where}", bounds | {"lane": lane.key}
        try:
            return len(self._table.query(where, bounds, most=_MOST_COUNTED, columns=["RowKey"]))
        except StorageUnavailable:
            return -1

    def defer(self, row: Row, pending: Pending) -> Written:
        """Write what one more failure changed, unless somebody else has changed the row meanwhile."""
        if row.partition == NEW.key:
            return self._reschedule(row, pending)
        return self._table.merge({**row.keys, **columns_of_failure(pending)}, etag=row.etag)

    def _reschedule(self, row: Row, pending: Pending) -> Written:
        """Move a row to the key of the time when it is due, so that nobody has to pass over it."""
        due = replace(pending, not_before=pending.not_before or self._now())
        entity = {
            "PartitionKey": row.partition,
            "RowKey": row_key(due, unique=uuid.uuid4().hex),
            **columns_of(pending),
        }
        if entity["RowKey"] == row.key:
            return self._table.merge({**row.keys, **columns_of_failure(pending)}, etag=row.etag)
        failed = self._table.transact([("delete", row.keys, row.etag), ("create", entity, "")])
        return Written.DONE if failed is None else Written.CHANGED

    def delete(self, rows: Sequence[Row]) -> None:
        """Delete rows of one lane, but those that somebody has changed since they were read."""
        # A transaction that names a row twice is refused as a whole.
        self._table.delete_all(list({row.key: (row.keys, row.etag) for row in rows}.values()))

    def move(self, row: Row, pending: Pending) -> None:
        """Write the event into its new lane, then delete the row."""
        self.park(pending)
        self.delete([row])

    def state(self, lane: Lane) -> LaneState | None:
        """Read the state of a lane, or of everything; None where it has none."""
        entity = self._table.get(lane.key, STATE)
        return read_state(entity) if entity else None

    def hold(self, lane: Lane, error: RetryableError) -> LaneState:
        """Put a lane, or everything, on hold because of a failure; return its new state."""
        state = (self.state(lane) or LaneState(lane=lane)).after(error, self._now())
        # A person may have ended their own hold since it was read: only what is new is written.
        self.write_state(replace(state, person=None, moving_since=None))
        return state

    def write_state(self, state: LaneState) -> LaneState:
        """Merge a state into its row: what others wrote there stays."""
        self._table.upsert({"PartitionKey": state.partition, "RowKey": STATE, **columns_of_state(state)})
        return state

    def drop_state(self, state: LaneState) -> None:
        """Delete the state of a lane that has no rows, unless somebody has changed it meanwhile."""
        self._table.delete({"PartitionKey": state.partition, "RowKey": STATE}, etag=state.etag)

    def lift(self, lane: Lane) -> None:
        """Take the app's own hold away; a person's hold and the mark of a move stay."""
        for _ in range(_TRIES):
            entity = self._table.get(lane.key, STATE)
            if entity is None or self._take_away(entity, "hold_") is not Written.CHANGED:
                return

    def lift_mark(self, state: LaneState) -> None:
        """Take the mark of a move away, unless somebody has changed the state since it was read."""
        entity = self._table.get(state.partition, STATE)
        if entity is not None and read_state(entity).etag == state.etag:
            self._take_away(entity, "moving_")

    def _take_away(self, entity: Entity, prefix: str) -> Written:
        """Write a state without some of its columns; delete it where nothing is left that holds its lane."""
        state = read_state(entity)
        left = {name: value for name, value in entity.items() if not name.startswith(prefix)}
        if read_state(left).is_held:
            return self._table.replace(left, etag=state.etag)
        return self._table.delete({"PartitionKey": state.partition, "RowKey": STATE}, etag=state.etag)


def row_key(pending: Pending, *, unique: str) -> str:
    """Return the row key: of its version, or of this arrival where only a name is known.

    Raises:
        ValueError: An event by name has no time yet.
    """
    if pending.event:
        return version_key(pending.event, route_id=pending.lane.route_id)
    due = pending.not_before or pending.parked_at
    if due is None:
        msg = "an event by name needs the time when it is due"
        raise ValueError(msg)
    return arrival_key(due, unique=unique)
