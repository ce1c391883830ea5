"""`Sealer`: makes one row of the outbox of the files that wait for their batch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from shared.event_log import EventLog
from shared.model.batch import Batch, entry_of, file_of, key_in
from shared.model.conf import encoded_size
from shared.model.errors import BadEvent, CopyPending
from shared.model.hold import LaneState
from shared.model.lane import Lane, version_digest
from shared.model.pending import Pending
from shared.model.run_id import batch_run_id
from shared.model.run_request import RunRequest
from shared.routes.batching import Batching
from shared.routes.table import Routes
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Outbox
from shared.storage.rows import Row
from shared.storage.seals import MOST_MOVED, PAGE, Seal, Seals
from shared.storage.settled import Claim, Settled

_SPARE_BYTES = 1_024
"""Of conf, for what is not known yet: the trace, the times, and how many files there are."""


class Sealer:
    """Makes batches of one lane after the other, from any number of threads; raises StorageUnavailable.

    It may end between any two of its requests: whoever comes next goes on where the seal says. The protocol,
    and what each of its guards is for: docs/decisions/0065-batches.md.

    Args:
        seals: The files and seals.
        outbox: Has the states of lanes.
        settled: Tells which files are in a run already, and is told.
        dead_letters: Take what cannot be read.
        routes: Tell how files are batched.
        log: Of events.
        now: The time, aware.
        conf_max_bytes: How large a conf may be.
    """

    def __init__(
        self,
        *,
        seals: Seals,
        outbox: Outbox,
        settled: Settled,
        dead_letters: DeadLetters,
        routes: Routes,
        log: EventLog,
        now: Callable[[], datetime],
        conf_max_bytes: int,
    ) -> None:
        self._seals = seals
        self._outbox = outbox
        self._settled = settled
        self._dead_letters = dead_letters
        self._routes = routes
        self._log = log
        self._now = now
        self._conf_max_bytes = conf_max_bytes

    def looks_always(self, lane: Lane) -> bool:
        """Tell whether the time alone does not say when a lane is due."""
        batching = self._batching(lane.route_id)
        return batching is None or batching.count is not None

    def run(self, partition: str, state: LaneState | None, may_go_on: Callable[[], bool]) -> None:
        """Make the batches of a lane that are due, while it may go on."""
        while may_go_on():
            seal = self._seals.read(partition)
            if seal is None:
                if not self._open(partition, state):
                    return
            elif seal.run_id:
                self._finish(seal)
            else:
                self._fill(seal, may_go_on)

    def _open(self, partition: str, state: LaneState | None) -> bool:
        """Begin a batch if one is due; note when to look again if not."""
        gathered = self._seals.gathered(partition)
        if not gathered.count:
            if state and state.next_look:
                self._outbox.forget_look(partition)
            return False
        lane = self._lane(partition)
        if lane is None:
            return False
        batching = self._batching(lane.route_id)
        # Files whose route wants a run for each by now are complete.
        left = (
            batching.due(gathered.count, gathered.first, gathered.last, self._now())
            if batching
            else gathered.count
        )
        if batching is None or left:
            self._seals.open(lane, left=left)
            return True
        look = batching.next_look(gathered.first, gathered.last)
        if state is None or state.next_look != look:
            self._outbox.look_later(state or LaneState(lane=lane), look)
        return False

    def _lane(self, partition: str) -> Lane | None:
        """Return the lane of the files that wait, as the first one that can be read tells it."""
        while page := self._seals.waiting(partition, most=1):
            if page[0].pending:
                return page[0].pending.lane
            self._set_aside(page[0])
        return None

    def _fill(self, seal: Seal, may_go_on: Callable[[], bool]) -> None:
        """Move files to the seal until none waits or no more fits, then fix them.

        Where somebody else is faster, the seal is another by now: it is read again.
        """
        files = self._seals.files(seal)
        members = {_digest(row.pending): row.pending for row in files if row.pending}
        for row in files:
            if row.pending is None:
                self._set_aside(row)
        while True:
            page = self._seals.waiting(seal.partition)
            fresh = self._fresh(page, members)
            taken = self._taken(seal, list(members.values()), fresh)
            for start in range(0, len(taken), MOST_MOVED):
                chunk = taken[start : start + MOST_MOVED]
                if not may_go_on() or not self._seals.move(seal, chunk):
                    return
                again = self._seals.read(seal.partition)
                if again is None or again.id != seal.id or again.run_id:
                    return
                seal = again
                members |= {_digest(row.pending): row.pending for row in chunk if row.pending}
            is_full = len(taken) < len(fresh)
            if is_full or len(page) < PAGE or not taken:
                self._fix(seal, is_full=is_full)
                return

    def _fresh(self, page: Sequence[Row], members: dict[str, Pending]) -> list[Row]:
        """Return the files of a page that are in no batch; delete those that were told of twice.

        Two sources may give a version two times, and so two keys. What cannot be read is set aside when it
        comes first.
        """
        files = [file for row in page if (file := row.pending)]
        known = set(members)
        if files:
            known |= self._settled.claimed([file.event for file in files if file.event], files[0].lane)
        fresh: list[Row] = []
        twice: list[Row] = []
        for row in (row for row in page if row.pending):
            digest = _digest(row.pending)
            (twice if digest in known else fresh).append(row)
            known.add(digest)
        self._seals.delete(twice)
        return fresh

    def _fix(self, seal: Seal, *, is_full: bool) -> None:
        rows = self._seals.files(seal)
        files = [row.pending for row in rows if row.pending]
        if len(files) < len(rows):
            return  # one was edited meanwhile: it is set aside in the next round
        if not files:
            self._seals.close(seal)
            return
        lane = files[0].lane
        batch = self._batch(files, part=seal.part)
        run_id = batch_run_id(list(map(_digest, files)), route=lane.route_id, group=lane.group)
        pending = Pending(
            container=files[0].container,
            name=files[0].name,
            event=files[0].event,
            api=files[0].api,
            lane=lane,
            run_id=run_id,
            batch=batch,
            parked_at=self._now(),
        )
        if self._seals.fix(seal, pending, left=max(0, seal.left - len(files)) if is_full else 0):
            self._log.info(
                "batch.sealed",
                files=len(files),
                part=seal.part,
                route=lane.route_id,
                dag_id=lane.dag_id,
                group=lane.group,
                run_id=run_id,
            )

    def _finish(self, seal: Seal) -> None:
        """Note for each file which run it is in, then let the files go, and the seal."""
        rows = self._seals.files(seal)
        files = [row.pending for row in rows if row.pending]
        self._settled.claim_all(
            Claim(event=file.event, lane=file.lane, reason="batch", run_id=seal.run_id)
            for file in files
            if file.event
        )
        self._seals.delete(rows)
        lane = self._lane(seal.partition) if seal.left else None
        if lane:
            self._seals.go_on(seal, lane)
        else:
            self._seals.close(seal)

    def _taken(self, seal: Seal, members: Sequence[Pending], fresh: Sequence[Row]) -> list[Row]:
        """Return those files that the batch has room for beside its members; one at least."""
        first = next((file for file in (*members, *(row.pending for row in fresh)) if file), None)
        if first is None:
            return []
        batching = self._batching(first.lane.route_id) or Batching()
        most = min(batching.max_files, seal.left) - len(members)
        space = self._conf_max_bytes - _SPARE_BYTES - self._conf_bytes(first) - sum(map(_bytes, members))
        taken: list[Row] = []
        for row in fresh:
            space -= _bytes(row.pending)
            if len(taken) >= most or (space < 0 and (members or taken)):
                break
            taken.append(row)
        return taken

    def _conf_bytes(self, first: Pending) -> int:
        """Return the size of a conf without its files."""
        run = self._request(first)
        conf = replace(self._batch([first], part=1), files=()).conf(run.conf if run else {})
        return encoded_size(conf)

    def _batch(self, files: Sequence[Pending], *, part: int) -> Batch:
        """Return the batch of some files: what they have in common as their route has it, else as texts."""
        run, group = self._request(files[0]), files[0].lane.group
        is_same = run and run.batch is not None and run.lane.group == group
        key = run.batch if run and run.batch is not None and is_same else key_in(group)
        return Batch.of([file.event for file in files if file.event], key=key, part=part)

    def _request(self, file: Pending) -> RunRequest | None:
        if file.event is None:
            return None
        try:
            requests = self._routes.current().match(file.event, api=file.api).requests
        except CopyPending:
            return None
        return next((run for run in requests if run.route_id == file.lane.route_id), None)

    def _set_aside(self, row: Row) -> None:
        """Keep what cannot be read for a person to look at."""
        self._dead_letters.add_row(row, BadEvent(row.fault or "The row holds no event."))
        self._seals.delete([row])

    def _batching(self, route_id: str) -> Batching | None:
        route = self._routes.current().by_id(route_id)
        return route.batch if route else None


def _digest(file: Pending | None) -> str:
    return version_digest(file.event, route_id=file.lane.route_id) if file and file.event else ""


def _bytes(file: Pending | None) -> int:
    """Return how much a file takes in conf, with what separates it from the next."""
    return encoded_size(entry_of(file_of(file.event))) + 2 if file and file.event else 0
