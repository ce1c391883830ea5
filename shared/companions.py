"""`Companions`: files that wait for other blobs, such as data for its `.done` file: docs/decisions/0064."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from shared.event_log import EventLog
from shared.model.blob_event import BlobEvent
from shared.model.companion import Companion, counts_for
from shared.model.errors import AwaitsCompanion, CompanionMissing, CopyPending
from shared.model.lane import Lane, LaneKind, waiting_prefix
from shared.model.pending import Pending
from shared.model.run_request import RunRequest
from shared.routes.table import Routes
from shared.settlement import Settlement
from shared.storage.blob_reader import BlobReader
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Outbox
from shared.storage.rows import Row

_MOST_VERSIONS = 100


class Companions:
    """Looks for companions, and keeps files until theirs are there. All methods raise StorageUnavailable.

    Whoever comes last starts the run: the file's event looks once more after it has written its row, and the
    companion's event looks for the row. So no order of the two leaves a file waiting.

    Args:
        routes: What requires what.
        reader: Of the account that blobs land in.
        outbox: Where files wait.
        dead_letters: Where those are whose companions did not come in time.
        settlement: Writes dead letters, and the log.
        log: Of events.
        now: The time, aware.
        request_drain: Called when a run can be sent.
    """

    def __init__(
        self,
        *,
        routes: Routes,
        reader: BlobReader,
        outbox: Outbox,
        dead_letters: DeadLetters,
        settlement: Settlement,
        log: EventLog,
        now: Callable[[], datetime],
        request_drain: Callable[[], None],
    ) -> None:
        self._routes = routes
        self._reader = reader
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._settlement = settlement
        self._log = log
        self._now = now
        self._request_drain = request_drain

    def find(self, paths: Sequence[str], event: BlobEvent) -> tuple[Companion, ...] | None:
        """Return the companions of a version; None where one is not there, or older than the version."""
        found = []
        for path in paths:
            container, _, name = path.partition("/")
            blob = self._reader.read(container, name)
            companion = Companion.of(blob) if blob and blob.copy_status != "pending" else None
            if companion is None or not counts_for(companion, event):
                return None
            found.append(companion)
        return tuple(found)

    def wait(self, pending: Pending, run: RunRequest) -> None:
        """Keep a file until its companions are there, then look once more: one may have come meanwhile."""
        route = self._routes.current().by_id(run.route_id)
        if route is None or pending.event is None:
            return
        error = AwaitsCompanion(f"Waits for {', '.join(run.requires)}.")
        pending = replace(pending, lane=_lane(run.route_id), parked_at=pending.parked_at or self._now())
        deadline = self._now() + route.requires_within
        pending = pending.after(error, now=self._now(), not_before=deadline)
        self._outbox.park(pending)
        self._settlement.log_waiting(pending, error)
        self.start_complete(run.route_id, pending.path)

    def announce(self, path: str) -> int:
        """Start what has waited for this blob and is complete now; return how many."""
        return sum(
            self.start_complete(route.id, file) for route, file in self._routes.current().files_of(path)
        )

    def start_complete(self, route_id: str, path: str) -> int:
        """Start the versions of a file that wait, or are dead, and whose companions are there by now."""
        lane = _lane(route_id)
        started = 0
        for row in self._rows(self._outbox, lane, path):
            if self._start(row):
                self._outbox.delete([row])
                started += 1
        for letter in self._rows(self._dead_letters, lane, path):
            if self._start(letter):
                self._dead_letters.delete(letter)
                started += 1
        return started

    def look_again(self, row: Row) -> bool:
        """Look for the companions of a row whose time is over; tell whether the row is done."""
        pending = row.pending
        if (
            pending is None
            or pending.event is None
            or self.start_complete(pending.lane.route_id, pending.path)
        ):
            return True
        route = self._routes.current().by_id(pending.lane.route_id)
        parked_at = pending.parked_at or self._now()
        deadline = parked_at + route.requires_within if route else parked_at
        if self._now() < deadline:
            self._outbox.defer(row, replace(pending, not_before=deadline))
            return False
        run = self._run(pending)
        missing = ", ".join(run.requires) if run else "what the route requires"
        error = CompanionMissing(f"Not there in time: {missing}. When it comes after all, the run starts.")
        self._settlement.die(pending, error, key=row.key)
        # One that came meanwhile found a row and no letter.
        self.start_complete(pending.lane.route_id, pending.path)
        return True

    def _start(self, row: Row) -> bool:
        pending = row.pending
        if pending is None or pending.event is None:
            return False
        run = self._run(pending)
        found = self.find(run.requires, pending.event) if run else ()
        if found is None:
            return False
        # A file that its route does not ask for any more waits as others do that no route wants.
        lane = run.lane if run else Lane(route_id=pending.lane.route_id, dag_id="")
        complete = replace(pending, lane=lane, companions=found, reason="", message="")
        self._outbox.park(replace(complete, not_before=None, parked_at=None))
        self._log.info("companions.complete", blob=pending.path, route=pending.lane.route_id)
        self._request_drain()
        return True

    def _run(self, pending: Pending) -> RunRequest | None:
        if pending.event is None:
            return None
        try:
            requests = self._routes.current().match(pending.event, api=pending.api).requests
        except CopyPending:
            return None
        return next((run for run in requests if run.route_id == pending.lane.route_id), None)

    def _rows(self, table: Outbox | DeadLetters, lane: Lane, path: str) -> Iterator[Row]:
        prefix = waiting_prefix(path)
        yield from table.rows(lane.key, after=prefix, end=prefix + "~", most=_MOST_VERSIONS)


def _lane(route_id: str) -> Lane:
    return Lane(route_id=route_id, dag_id="", kind=LaneKind.COMPANIONS)
