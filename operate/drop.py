"""`Drop`: what waits or is dead is settled without a run, and stays so."""

from dataclasses import dataclass, replace

from msgspec import structs

from operate.desk import Desk
from operate.work import CHANGED, Done, name_of, run_today, take_out, versions_of
from shared.model.errors import CopyPending, RetryableError
from shared.model.lane import GATHERED, NEW, SEALED
from shared.model.pending import Pending
from shared.routes.table import RouteTable
from shared.storage.rows import Row
from shared.storage.settled import Claim, Settled
from shared.storage.tables import Table, Written

_TRIES = 5
_IN_BATCH = "It has just been put into a batch: look again, and drop that as a whole."


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Notes that a version is settled, then deletes its row or letter by its ETag.

    A process that ends in between leaves the row, and the claim: the same command goes on.

    Attributes:
        outbox_table: What waits.
        letters: What is dead.
        settled: Keeps the claims, for 14 days: neither the reconciler nor a backfill sends the version then.
        routes: Today's, by which a replay, or the drain, may have moved the row to another lane; None where
            they are unusable.
        who: The person.
        why: In their words.
    """

    outbox_table: Table
    letters: Table
    settled: Settled
    routes: RouteTable | None
    who: str
    why: str

    @classmethod
    def at(cls, desk: Desk, *, who: str, why: str) -> "Drop":
        """Return what drops the rows and letters of an app."""
        try:
            routes = desk.routes
        except RetryableError:
            routes = None
        return cls(
            outbox_table=desk.outbox_table,
            letters=desk.dead_table,
            settled=desk.settled,
            routes=routes,
            who=who,
            why=why,
        )

    def dry_run(self, row: Row) -> Done:
        """Return what would come of a row or a letter."""
        return Done(path=name_of(row), is_done=True, note="dropped, without a run")

    def letter(self, letter: Row) -> Done:
        """Drop a dead letter, and its row if somebody replays it at the same time."""
        note = self._claim(letter)
        for place in self._places(letter):
            if take_out(self.outbox_table, place):
                note += ", and the row of a replay"
        if self.letters.delete(letter.keys, etag=letter.etag) is Written.CHANGED:
            return Done(path=name_of(letter), is_done=False, note=CHANGED)
        return Done(path=name_of(letter), is_done=True, note=note)

    def row(self, row: Row) -> Done:
        """Drop what waits. A request that is under way, or was sent already, may still make its run."""
        if row.key.startswith(SEALED):
            return Done(path=name_of(row), is_done=False, note=_IN_BATCH)
        note = self._claim(row)
        if row.key.startswith(GATHERED):
            # Not as below: it may be gone because it is in a batch by now.
            failed = self.outbox_table.transact([("delete", row.keys, row.etag)])
            return Done(path=name_of(row), is_done=failed is None, note=note if failed is None else _IN_BATCH)
        if row.pending and row.pending.sent_to:
            note += "; a request was sent before, so its run may be there"
        etag = row.etag
        for _ in range(_TRIES):
            if self.outbox_table.delete(row.keys, etag=etag) is not Written.CHANGED:
                break
            # Dropped is dropped, whatever another failure has written into the row meanwhile.
            found = self.outbox_table.get(row.partition, row.key)
            if found is None:
                break
            etag = str(getattr(found, "metadata", {}).get("etag", ""))
        else:
            note = "It is changed by others without end: try again."
            return Done(path=name_of(row), is_done=False, note=note)
        for place in self._places(row):
            if place.lane.key != row.partition:
                take_out(self.outbox_table, place)
        return Done(path=name_of(row), is_done=True, note=note)

    def _places(self, row: Row) -> list[Pending]:
        """Return the event as it may wait: in the lane that it had, and in that of today's routes."""
        pending = row.pending
        if pending is None or pending.event is None or pending.lane == NEW:
            return []
        try:
            run = run_today(self.routes, pending) if self.routes else None
        except CopyPending:
            run = None
        lanes = dict.fromkeys([pending.lane, run.lane if run else pending.lane])
        return [replace(pending, lane=lane) for lane in lanes]

    def _claim(self, row: Row) -> str:
        pending = row.pending
        if pending is None or pending.event is None or pending.lane == NEW:
            return "dropped; it names no version and route, so it is not noted"
        claim = Claim(event=pending.event, lane=pending.lane, reason="dropped", who=self.who, why=self.why)
        if pending.batch is None:
            self.settled.claim(claim)
            return "dropped"
        # The claims of its files name its run, which is not to be made any more.
        files = list(versions_of(pending))
        self.settled.claim_all((structs.replace(claim, event=file) for file in files), anew=True)
        return f"dropped with all of its {len(files)} files"
