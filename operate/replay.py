"""`Replay`: dead letters go back into the outbox, by today's routes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from operate.desk import Desk
from operate.work import CHANGED, Done, name_of, run_today, take_out, versions_of
from shared.ingest import EVENT_QUEUE
from shared.jobs.redrive import EVENT_GRID_DEAD_LETTERS
from shared.model.errors import BadEvent, CopyPending
from shared.model.lane import NEW
from shared.model.pending import Pending
from shared.routes.table import RouteTable
from shared.sources import blob_poison
from shared.sources.event_grid import pending_from_event_grid
from shared.storage.dead_letters import UNREADABLE
from shared.storage.outbox import Outbox
from shared.storage.rows import Row
from shared.storage.settled import Settled
from shared.storage.tables import Entity, Table, Written

REASON = "replayed"
"""Of a row that a person has put back; the next failure writes another one."""


class ReplayError(Exception):
    """A letter cannot be replayed; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Puts letters back: the row is written first, in any case, and then the letter is deleted by its ETag.

    So a letter that dies again meanwhile stays, and a process that ends in between leaves both: the same run
    id is sent once more, and Airflow says that it is there.

    Attributes:
        outbox: Takes the events.
        outbox_table: The same, to take a row out again.
        letters: The table of the letters.
        settled: Tells what somebody has dropped at the same time.
        routes: Today's.
        by_event: Whether each event is a run of its own (queue mode), or a hint to look at the blob.
        who: The person.
    """

    outbox: Outbox
    outbox_table: Table
    letters: Table
    settled: Settled
    routes: RouteTable
    by_event: bool
    who: str

    @classmethod
    def at(cls, desk: Desk, *, who: str) -> "Replay":
        """Return what replays the letters of an app."""
        return cls(
            outbox=desk.outbox,
            outbox_table=desk.outbox_table,
            letters=desk.dead_table,
            settled=desk.settled,
            routes=desk.routes,
            by_event=desk.settings.bindings.is_queue_mode,
            who=who,
        )

    def dry_run(self, letter: Row) -> Done:
        """Return what would come of a letter."""
        try:
            events = self.plan(letter)
        except ReplayError as error:
            return Done(path=name_of(letter), is_done=False, note=str(error))
        lanes = ", ".join(str(pending.lane) for pending in events)
        was_sent = any(pending.sent_to for pending in events)
        note = f"{lanes}{', where it may have been sent before' if was_sent else ''}"
        return Done(path=name_of(letter), is_done=True, note=note)

    def plan(self, letter: Row) -> tuple[Pending, ...]:
        """Return what will be written for a letter.

        Raises:
            ReplayError: It cannot be replayed as it is.
        """
        if letter.partition == UNREADABLE:
            return tuple(self._marked(pending, letter) for pending in self._events(letter.entity))
        if letter.pending is None:
            msg = f"{letter.fault} Repair its columns in the table by hand, or drop it."
            raise ReplayError(msg)
        pending = letter.pending
        if pending.lane != NEW and not pending.sent_to:
            pending = self._routed(pending)
        return (self._marked(pending, letter),)

    def replay(self, letter: Row) -> Done:
        """Put one letter back; raises StorageUnavailable."""
        path = name_of(letter)
        try:
            events = self.plan(letter)
        except ReplayError as error:
            return Done(path=path, is_done=False, note=str(error))
        for pending in events:
            self.outbox.park(pending)
            if dropped := self._dropped(pending):
                return Done(path=path, is_done=False, note=dropped)
        if self.letters.delete(letter.keys, etag=letter.etag) is Written.CHANGED:
            return Done(path=path, is_done=False, note=CHANGED)
        return Done(path=path, is_done=True, note=", ".join(str(pending.lane) for pending in events))

    def _routed(self, pending: Pending) -> Pending:
        """Return an event that no request was sent for, in the lane of the DAG that its route names today."""
        if pending.event is None:
            return pending
        try:
            run = run_today(self.routes, pending)
        except CopyPending:
            return pending
        if run:
            # A person's word counts more than a companion that never came. A batch keeps its run id.
            run_id = pending.run_id if pending.batch else run.run_id
            return replace(pending, lane=run.lane, run_id=run_id)
        route_id = pending.lane.route_id
        there = self.routes.by_id(route_id)
        msg = (
            f"Route {route_id!a} does not ask for it any more: change its `match` or its filters, or drop it."
            if there
            else f"There is no route {route_id!a} any more: give one this `id`, or drop it."
        )
        raise ReplayError(msg)

    def _marked(self, pending: Pending, letter: Row) -> Pending:
        """Return an event as a new row: parked now, due now, with why it was dead."""
        why = f"{letter.entity.get('reason')}: {letter.entity.get('message')}"
        message = f"Replayed by {self.who}; it was dead because of {why}"
        return replace(pending, reason=REASON, message=message, parked_at=None, not_before=None)

    def _events(self, entity: Entity) -> Iterator[Pending]:
        """Read the bytes of a letter that could not be read once; the app may have learnt to since."""
        source, where = str(entity.get("source")), str(entity.get("where") or "")
        if "body" not in entity:
            msg = (
                f"Its bytes are too many for an event; they lie at {source}/{where}. Look there, or drop it."
            )
            raise ReplayError(msg)
        body = _body(entity)
        try:
            if source == blob_poison.QUEUE:
                events = list(blob_poison.read_poison(body))
            elif source.startswith((EVENT_QUEUE, EVENT_GRID_DEAD_LETTERS)):
                events = list(pending_from_event_grid(body))
            else:
                msg = f"Nobody knows how to read what comes from {source!a}."
                raise ReplayError(msg)
        except (BadEvent, ValueError, AttributeError) as error:
            msg = f"It still cannot be read: {error} Look at its bytes with `dead show`, or drop it."
            raise ReplayError(msg) from error
        if not events:
            msg = "It is about no blob that was created: drop it."
            raise ReplayError(msg)
        for pending in events:
            is_whole = self.by_event or source == blob_poison.QUEUE
            yield pending if is_whole else Pending(container=pending.container, name=pending.name)

    def _dropped(self, pending: Pending) -> str:
        """Take the row out again if its version was dropped meanwhile; who drops looks for the row, too."""
        if pending.event is None or pending.lane == NEW:
            return ""
        claim = None
        for version in versions_of(pending):
            claim = self.settled.find(version, pending.lane)
            if claim is None or claim.get("reason") != "dropped":
                # A file that a person dropped just when it was put into its batch does not drop the others.
                return ""
        if claim is None:
            return ""
        take_out(self.outbox_table, pending)
        return (
            f"{claim.get('who')} has dropped it. `dead drop` ends that; `send --again` sends it all the same."
        )


def _body(entity: Entity) -> bytes:
    body, index = b"", 0
    while chunk := entity.get(f"body_{index}" if index else "body"):
        body += chunk
        index += 1
    return body
