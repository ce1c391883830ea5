"""`Retry`: what waits is due at once, and the app's own holds that keep it are over."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from operate.work import Done, carry_out, name_of
from shared.model.lane import EVERYTHING, Lane
from shared.storage.outbox import Outbox
from shared.storage.rows import Row
from shared.storage.tables import Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Makes rows due; the next drain, within half a minute, tries them.

    Attributes:
        outbox: What waits.
        now: The time.
        lanes: Those that rows were made due in.
    """

    outbox: Outbox
    now: datetime
    lanes: set[Lane] = field(default_factory=set)

    def run(self, rows: Iterable[Row]) -> Iterator[Done]:
        """Make each row due, then end the holds of their lanes and on everything; a person's stays."""
        yield from carry_out(rows, self.row)
        for lane in (EVERYTHING, *self.lanes):
            self.outbox.lift(lane)

    def dry_run(self, row: Row) -> Done:
        """Return what would come of a row."""
        note = "due now; the app's own holds that keep it end"
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
        self.lanes.add(row.pending.lane)
        due = row.pending.not_before
        if due is not None and due > self.now:
            # The same moment for all: an event by name is keyed by it, and would be met again and again.
            written = self.outbox.defer(row, replace(row.pending, not_before=self.now))
            if written is not Written.DONE:
                return Done(path=name_of(row), is_done=False, note="A drain has just changed it.")
        return Done(path=name_of(row), is_done=True, note="due now")
