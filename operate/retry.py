"""`Retry`: what waits is due at once, and the app's own holds that keep it are over."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from operate.desk import Desk
from operate.work import Done, carry_out, name_of
from shared.model.lane import EVERYTHING, GATHERED, SEALED, Lane
from shared.storage.outbox import Outbox
from shared.storage.rows import Row
from shared.storage.seals import Seals
from shared.storage.tables import Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Makes rows due; the next drain, within half a minute, tries them.

    Attributes:
        outbox: What waits.
        seals: The same, for files that wait for their batch.
        now: The time.
        lanes: Those that rows were made due in.
    """

    outbox: Outbox
    seals: Seals
    now: datetime
    lanes: set[Lane] = field(default_factory=set)

    @classmethod
    def at(cls, desk: Desk) -> "Retry":
        """Return what retries the rows of an app."""
        return cls(outbox=desk.outbox, seals=Seals(desk.outbox_table), now=desk.timing.now())

    def run(self, rows: Iterable[Row]) -> Iterator[Done]:
        """Make each row due, then end the holds of their lanes and on everything; a person's stays."""
        yield from carry_out(rows, self.row)
        for lane in (EVERYTHING, *self.lanes):
            self.outbox.lift(lane)

    def dry_run(self, row: Row) -> Done:
        """Return what would come of a row."""
        note = "due now; the app's own holds that keep it end"
        if row.key.startswith((GATHERED, SEALED)):
            note = (
                f"the batch of all files of {row.pending.lane if row.pending else row.partition} starts now"
            )
        return Done(path=name_of(row), is_done=True, note=note)

    def held(self) -> str:
        """Return why the rows may wait all the same; empty if nothing holds them."""
        for lane in (EVERYTHING, *self.lanes):
            state = self.outbox.state(lane)
            if state and state.is_held:
                return f"They still wait. {state.error()}"
        return ""

    def row(self, row: Row) -> Done:
        """Make one row due."""
        if row.pending is None:
            note = f"{row.fault} The next drain makes it a dead letter."
            return Done(path=name_of(row), is_done=False, note=note)
        if row.key.startswith((GATHERED, SEALED)):
            return self._seal(row.pending.lane, name_of(row))
        self.lanes.add(row.pending.lane)
        due = row.pending.not_before
        if due is not None and due > self.now:
            # The same moment for all: an event by name is keyed by it, and would be met again and again.
            written = self.outbox.defer(row, replace(row.pending, not_before=self.now))
            if written is not Written.DONE:
                return Done(path=name_of(row), is_done=False, note="A drain has just changed it.")
        return Done(path=name_of(row), is_done=True, note="due now")

    def _seal(self, lane: Lane, path: str) -> Done:
        """Begin the batch of a lane that is not complete yet, and let the next drain look at it."""
        if lane not in self.lanes:
            self.lanes.add(lane)
            self.seals.open(lane, left=self.seals.gathered(lane.key).count)
            self.outbox.look_at(lane, self.now)
        return Done(path=path, is_done=True, note="its batch starts now")
