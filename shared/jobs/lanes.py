"""`Lanes`: the lanes of the outbox in one drain, as they were read, and whose turn it is."""

from shared.jobs.batch_queue import BatchQueue
from shared.jobs.lane_queue import LaneQueue
from shared.jobs.ordered_queue import OrderedQueue
from shared.jobs.row_settler import RowSettler
from shared.jobs.row_worker import RowWorker
from shared.model.errors import DagMissing, RouteDisabled
from shared.model.hold import LaneState
from shared.model.lane import EVERYTHING, LaneKind, kind_of
from shared.storage.outbox import Outbox
from shared.timing import Timing

_KINDS = {LaneKind.ORDERED: OrderedQueue, LaneKind.BATCH: BatchQueue}


class Lanes:
    """A queue for each lane; used by the thread of the drain alone.

    Args:
        outbox: What waits.
        worker: Knows which DAG a lane's route names now.
        settler: Takes the state of everything.
        timing: The clocks.

    Attributes:
        next_scan: When to read the heads again, in monotonic seconds.
    """

    def __init__(self, outbox: Outbox, worker: RowWorker, settler: RowSettler, timing: Timing) -> None:
        self._outbox = outbox
        self._worker = worker
        self._settler = settler
        self._timing = timing
        self._queues: dict[str, LaneQueue] = {}
        self.next_scan = 0.0

    def scan(self) -> None:
        """Read the head of every lane: new lanes, holds that came or ended, rows that were written since.

        Raises:
            StorageUnavailable: The outbox cannot be read.
        """
        started_at = self._timing.clock()
        for head in self._outbox.lanes():
            if head.partition == EVERYTHING.key:
                if not self._settler.may_start(head.state):
                    return
                continue
            queue = self._queues.get(head.partition)
            if queue is None or (queue.is_closed and not queue.in_flight):
                make = _KINDS.get(kind_of(head.partition), LaneQueue)
                queue = self._queues[head.partition] = make(head.partition)
                if self._settler.is_recovered or (head.state and head.state.hold):
                    queue.retry_all()
            else:
                queue.restart(started_at)
            queue.state = head.state
            if isinstance(queue, BatchQueue):
                queue.looks_always = head.state is not None and self._worker.looks_always(head.state.lane)
            if head.state and not self._is_open(head.state):
                queue.is_closed = True
        # A scan is one request for each lane: it takes a tenth of the time at most.
        took = self._timing.clock() - started_at
        self.next_scan = self._timing.clock() + max(self._timing.refresh_seconds, 10 * took)

    def _is_open(self, state: LaneState) -> bool:
        """Tell whether anything of a lane may be touched."""
        # Rows of batches go before it is time to look at the files of the next.
        is_early = state.lane.kind is LaneKind.COMPANIONS and state.is_early(self._timing.now())
        if state.person or is_early:
            return False
        if state.hold is None or state.hold.is_due(self._timing.now()):
            return True
        if state.hold.reason == RouteDisabled.code and self._worker.is_enabled(state.lane):
            return True
        # A misspelt DAG that was corrected in its route need not wait for the next probe.
        return state.hold.reason == DagMissing.code and self._worker.is_edited(state.lane)

    def in_turn(self, last: str) -> list[LaneQueue]:
        """Return all lanes, beginning behind the one that was served last."""
        partitions = sorted(self._queues)
        ahead = [partition for partition in partitions if partition > last]
        behind = partitions[: len(partitions) - len(ahead)]
        return [self._queues[partition] for partition in ahead + behind]

    def share(self, most: int) -> int:
        """Return how many of `most` calls in flight one lane may have."""
        clock = self._timing.clock()
        active = sum(queue.is_active(clock) for queue in self._queues.values())
        return max(1, most // max(1, active))

    def retry_all(self) -> None:
        """Go through all lanes once more, because the hold on everything has ended."""
        for queue in self._queues.values():
            queue.retry_all()

    def defer_doubts(self) -> None:
        """Let each row wait by itself whose failure nothing has explained."""
        for queue in self._queues.values():
            self._settler.defer_doubts(queue)
