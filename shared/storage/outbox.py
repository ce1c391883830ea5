"""`Outbox`: the table `airflowoutbox`, where events wait that cannot be delivered now.

A lane is a partition, an event is a row, and the row `!` is the lane's state. Rows are inserted or updated,
never upserted, and deleted only while their ETag is the one that was read: docs/decisions/0003-outbox.md.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from shared.model.errors import BatchOpen, RetryableError, StorageUnavailable
from shared.model.hold import LaneState, PersonHold
from shared.model.lane import (
    EVERYTHING,
    FILES_END,
    NEW,
    ROWS_BEGIN,
    ROWS_END,
    STATE,
    Lane,
    LaneKind,
    arrival_key,
    batch_key,
    gathered_key,
    version_key,
    waiting_key,
)
from shared.model.pending import Pending
from shared.storage.lane_states import columns_of_state, moment_of, read_state, text_of
from shared.storage.partitions import first_rows
from shared.storage.rows import SENT, Row, columns_of, columns_of_failure, read_row, rows_between
from shared.storage.tables import Entity, Table, Written

TABLE = "airflowoutbox"
_TRIES = 5
_MOST_COUNTED = 1_000
_COUNTED = ("route", "reason", "parked_at", "person_who", "hold_reason", "moving_since")


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first row of a lane: its state, or the oldest event where the lane has no state."""

    partition: str
    state: LaneState | None = None
    row: Row | None = None

    @property
    def route_id(self) -> str:
        """The route of the lane, as far as that can be read."""
        pending = self.row.pending if self.row else None
        lane = pending.lane if pending else self.state.lane if self.state else NEW
        return lane.route_id


class LaneRows(msgspec.Struct, frozen=True, kw_only=True):
    """What little is needed of a lane to count it.

    Attributes:
        partition: Of the lane.
        route_id: Of its rows.
        state: Who holds it and why; its times are not read.
        rows: Of each the reason, and when it was written first.
    """

    partition: str
    route_id: str
    state: LaneState | None
    rows: list[tuple[str, datetime | None]]


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
        if is_gathered(pending):
            # Whoever tells of it, it was told to wait: no alert is to take it for one that is late.
            pending = replace(pending, reason=BatchOpen.code)
        key = row_key(pending, unique=uuid.uuid4().hex)
        self._retry(lambda: self._insert_or_update(pending, key))
        if pending.lane.kind is LaneKind.COMPANIONS:
            # Nobody passes over the rows of such a lane before its time.
            self._retry(lambda: self.look_at(pending.lane, pending.not_before or self._now()))

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
            if self._table.insert(whole) is Written.DONE or is_gathered(pending):
                # A file that is told of again changes nothing, or its batch would wait for others anew.
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

    def all_lanes(self, may_go_on: Callable[[], bool]) -> Iterator[LaneRows]:
        """Read the first rows of every lane, in the order of their keys, while it may go on."""
        for partition, entities in first_rows(self._table, _COUNTED, may_go_on):
            states = [read_state(entity) for entity in entities if entity["RowKey"] == STATE]
            rows = [entity for entity in entities if ROWS_BEGIN < entity["RowKey"] < FILES_END]
            yield LaneRows(
                partition=partition,
                route_id=text_of(rows[0], "route") if rows else "",
                state=states[0] if states else None,
                rows=[(text_of(row, "reason"), moment_of(row, "parked_at")) for row in rows],
            )

    def rows(self, partition: str, *, after: str = STATE, most: int, end: str = ROWS_END) -> list[Row]:
        """Read the next rows of a lane, in their order."""
        return rows_between(self._table, partition, after=after, end=end, most=most)

    def look_at(self, lane: Lane, moment: datetime) -> None:
        """Let a lane whose rows were told to wait be looked at by this time."""
        state = self.state(lane)
        if state is None or state.next_look is None or state.next_look > moment:
            self.write_state(LaneState(lane=lane, next_look=moment))

    def look_later(self, state: LaneState, moment: datetime) -> None:
        """Let a lane be looked at no earlier, unless somebody has changed its state since it was read."""
        columns = columns_of_state(LaneState(lane=state.lane, next_look=moment))
        entity = {"PartitionKey": state.partition, "RowKey": STATE, **columns}
        if state.etag:
            self._table.merge(entity, etag=state.etag)
        else:
            self._table.insert(entity)

    def forget_look(self, partition: str) -> None:
        """Take the time away at which a lane was to be looked at; its holds and the mark of a move stay."""
        self._end(partition, "next_look")

    def has_rows(self, partition: str) -> bool:
        """Tell whether anything waits in the lane."""
        return bool(self.rows(partition, after=ROWS_BEGIN, end=FILES_END, most=1))

    def count(self, lane: Lane) -> int:
        """Count the rows of a lane, or of everything, 1,000 at the most; -1 where storage does not answer."""
        where = "RowKey gt @after and RowKey lt @end"
        bounds = {"after": ROWS_BEGIN, "end": FILES_END}
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

    def hold(self, lane: Lane, error: RetryableError, *, owner: str = "") -> LaneState:
        """Put a lane, or everything, on hold because of a failure; return its new state."""
        state = (self.state(lane) or LaneState(lane=lane)).after(error, self._now(), owner=owner)
        # A person may have ended their own hold since it was read: only what is new is written.
        self.write_state(replace(state, person=None, moving_since=None, next_look=None))
        return state

    def write_state(self, state: LaneState) -> LaneState:
        """Merge a state into its row: what others wrote there stays."""
        self._table.upsert({"PartitionKey": state.partition, "RowKey": STATE, **columns_of_state(state)})
        return state

    def drop_state(self, state: LaneState) -> None:
        """Delete the state of a lane that has no rows, unless somebody has changed it meanwhile."""
        self._table.delete({"PartitionKey": state.partition, "RowKey": STATE}, etag=state.etag)

    def hold_by_person(self, lane: Lane, person: PersonHold) -> PersonHold | None:
        """Let a person hold a lane, or everything; return whoever does already, and change nothing then."""
        for _ in range(_TRIES):
            state = self.state(lane)
            if state and state.person:
                return state.person
            columns = columns_of_state(LaneState(lane=lane, person=person))
            entity = {"PartitionKey": lane.key, "RowKey": STATE, **columns}
            written = self._table.merge(entity, etag=state.etag) if state else self._table.insert(entity)
            if written is Written.DONE:
                return None
        msg = f"The hold on {lane} is changed by others without end."
        raise StorageUnavailable(msg)

    def lift(self, lane: Lane) -> None:
        """Take the app's own hold away; a person's hold and the mark of a move stay."""
        self._end(lane.key, "hold_")

    def release(self, partition: str) -> None:
        """Take a person's hold away; the app's own hold and the mark of a move stay."""
        self._end(partition, "person_")

    def _end(self, partition: str, prefix: str) -> None:
        for _ in range(_TRIES):
            entity = self._table.get(partition, STATE)
            if entity is None or self._take_away(entity, prefix) is not Written.CHANGED:
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
        rest = read_state(left)
        if rest.is_held or rest.next_look:
            return self._table.replace(left, etag=state.etag)
        return self._table.delete({"PartitionKey": state.partition, "RowKey": STATE}, etag=state.etag)


def is_gathered(pending: Pending) -> bool:
    """Tell whether an event waits for its batch, and is none."""
    return pending.lane.kind is LaneKind.BATCH and pending.batch is None


def row_key(pending: Pending, *, unique: str) -> str:
    """Return the row key: of its version or batch, or of this arrival where only a name is known.

    Raises:
        ValueError: An event by name has no time yet.
    """
    if pending.event and pending.batch:
        return batch_key(pending.batch.first, run_id=pending.run_id or "")
    if pending.event and pending.lane.kind is LaneKind.BATCH:
        return gathered_key(pending.event, route_id=pending.lane.route_id)
    if pending.event and pending.lane.kind is LaneKind.COMPANIONS:
        return waiting_key(pending.event, route_id=pending.lane.route_id)
    if pending.event:
        return version_key(pending.event, route_id=pending.lane.route_id)
    due = pending.not_before or pending.parked_at
    if due is None:
        msg = "an event by name needs the time when it is due"
        raise ValueError(msg)
    return arrival_key(due, unique=unique)
