"""`Drain`: goes through the outbox once, lane by lane in turn, and sends what is due."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

from shared.delivery.permits import Permits
from shared.delivery.rate_limits import Caps, QueuedRunsLimit
from shared.event_log import EventLog
from shared.jobs.lane_queue import LaneQueue
from shared.jobs.row_settler import RowSettler
from shared.jobs.row_worker import Result, RowWorker
from shared.model.errors import DagMissing, RetryableError
from shared.model.hold import LaneState
from shared.model.lane import EVERYTHING, NEW
from shared.model.run_request import RunRequest
from shared.storage.drain_lease import Handover
from shared.storage.outbox import Outbox
from shared.storage.rows import Row
from shared.timing import Timing

_SHORTEST_SLEEP_SECONDS = 0.01


class Drain:
    """One drain: an object for each, used by one thread, with a pool of threads for its calls.

    Args:
        outbox: What waits.
        worker: Delivers one row.
        settler: Writes what came of a row.
        permits: How many calls may be in flight; the same as for live events.
        caps: How many runs may be sent.
        handover: From the last drain to the next.
        log: Of events.
        timing: The clocks.
        end: When to send nothing any more, in monotonic seconds.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        worker: RowWorker,
        settler: RowSettler,
        permits: Permits,
        caps: Caps,
        handover: Handover,
        log: EventLog,
        timing: Timing,
        end: float,
    ) -> None:
        self._outbox = outbox
        self._worker = worker
        self._settler = settler
        self._permits = permits
        self._caps = caps
        self._handover = handover
        self._log = log
        self._timing = timing
        self._end = end
        self._queues: dict[str, LaneQueue] = {}
        self._running: dict[Future[Result], tuple[LaneQueue, Row]] = {}
        self._counting: dict[Future[int], tuple[QueuedRunsLimit, LaneQueue, Row, float]] = {}
        self._next_scan = 0.0
        self._wake_at = 0.0

    def run(self) -> int:
        """Send what is due until nothing is, or the time is over; return how many rows were settled.

        Raises:
            StorageUnavailable: The outbox cannot be read; the next drain goes on.
        """
        with ThreadPoolExecutor(self._permits.most) as pool, self._settler:
            try:
                self._scan()
                while not self._is_over() and self._turn(pool):
                    pass
            finally:
                self._finish()
                self._handover.next_free = self._caps.next_free
        return self._settler.settled

    def _is_over(self) -> bool:
        is_late = self._timing.clock() >= self._end
        return is_late or self._settler.is_stopped or self._handover.lost.is_set()

    def _turn(self, pool: ThreadPoolExecutor) -> bool:
        """Submit what may be sent now and settle what has come back; tell whether there is more to do."""
        self._wake_at = self._end
        if self._timing.clock() >= self._next_scan:
            self._scan()
        while self._submit_round(pool):
            pass
        if not self._running and not self._counting:
            if self._wake_at >= self._end:
                return False
            self._settler.flush()
            until = min(self._wake_at, self._next_scan) - self._timing.clock()
            self._timing.sleep(max(_SHORTEST_SLEEP_SECONDS, until))
            return True
        left = min(self._wake_at, self._next_scan) - self._timing.clock()
        self._settle_done(timeout=max(_SHORTEST_SLEEP_SECONDS, left))
        return True

    def _scan(self) -> None:
        """Read the head of every lane: new lanes, holds that came or ended, rows that were written since."""
        started_at = self._timing.clock()
        for head in self._outbox.lanes():
            if head.partition == EVERYTHING.key:
                if not self._settler.may_start(head.state):
                    return
                continue
            queue = self._queues.get(head.partition)
            if queue is None or (queue.is_closed and not queue.in_flight):
                queue = self._queues[head.partition] = LaneQueue(head.partition, head.state)
                queue.is_recovered = self._settler.is_recovered
            elif queue.cost <= 1 or started_at >= self._next_scan + queue.cost:
                queue.restart()
            if head.state and not self._is_open(head.state):
                queue.is_closed = True
        # A scan is one request for each lane: it takes a tenth of the time at most.
        took = self._timing.clock() - started_at
        self._next_scan = self._timing.clock() + max(self._timing.refresh_seconds, 10 * took)

    def _is_open(self, state: LaneState) -> bool:
        """Tell whether anything of a lane may be touched."""
        if state.person:
            return False
        if state.hold is None or state.hold.is_due(self._timing.now()):
            return True
        # A misspelt DAG that was corrected in its route need not wait for the next probe.
        return state.hold.reason == DagMissing.code and self._worker.is_edited(state.lane)

    def _submit_round(self, pool: ThreadPoolExecutor) -> bool:
        """Give each lane one turn, beginning behind the one that was served last."""
        partitions = sorted(self._queues)
        behind = [partition for partition in partitions if partition > self._handover.last_lane]
        active = sum(queue.is_active for queue in self._queues.values())
        share = max(1, self._permits.most // max(1, active))
        submitted = False
        for partition in behind + partitions[: len(partitions) - len(behind)]:
            is_full = len(self._running) >= self._permits.most or (self._settler.is_probing and self._running)
            if is_full or self._is_over():
                return False
            queue = self._queues[partition]
            if self._submit(queue, share, pool):
                self._handover.last_lane = partition
                submitted = True
        return submitted

    def _submit(self, queue: LaneQueue, share: int, pool: ThreadPoolExecutor) -> bool:
        """Send the next row of a lane, if it may; tell whether the lane may have another turn."""
        if queue.is_closed or queue.in_flight >= self._window(queue, share):
            return False
        if queue.wait_until > self._timing.clock():
            self._wake_at = min(self._wake_at, queue.wait_until)
            return False
        row = queue.next_row(self._outbox, self._timing.now())
        if row is None:
            self._settler.at_end(queue)
            return False
        if queue.partition == NEW.key:
            self._start(queue, row, pool, lambda: self._worker.route(row))
            return True
        try:
            prepared = self._worker.prepare(row, queue.state)
        except RetryableError as error:
            self._settler.failed(queue, row, error)
        except Exception as error:  # noqa: BLE001  (see _settle)
            self._log.error("drain.failed", error=type(error).__name__)
        else:
            if not isinstance(prepared, Result):
                return self._submit_run(queue, row, prepared, pool)
            self._settler.succeeded(queue, row, prepared)
        return True

    def _submit_run(self, queue: LaneQueue, row: Row, run: RunRequest, pool: ThreadPoolExecutor) -> bool:
        if row.pending and run.dag_id != row.pending.lane.dag_id:
            if not self._settler.may_move(queue, row):
                return False
            self._start(queue, row, pool, lambda: self._worker.move(row, run))
            return True
        if queue.state and queue.state.moving_since:
            return True  # not to be moved; it is served again when the lane's mark is gone
        for limit in self._caps.due_counts(run):
            counting = pool.submit(self._worker.count, limit)
            self._counting[counting] = (limit, queue, row, self._timing.clock())
        delay = self._caps.wait_for(run)
        if delay > timedelta(0):
            queue.give_back(row)
            queue.wait_until = self._timing.clock() + delay.total_seconds()
            self._wake_at = min(self._wake_at, queue.wait_until)
            return False
        self._caps.take(run)
        self._start(queue, row, pool, lambda: self._worker.deliver(row, run, queue.state))
        return True

    def _window(self, queue: LaneQueue, share: int) -> int:
        if queue.partition == NEW.key:
            return self._permits.most
        if queue.state and queue.state.hold:
            return 1
        return min(share, self._permits.window(queue.lane)) if queue.lane else 1

    def _start(
        self, queue: LaneQueue, row: Row, pool: ThreadPoolExecutor, work: Callable[[], Result]
    ) -> None:
        queue.in_flight += 1
        self._running[pool.submit(work)] = (queue, row)

    def _settle_done(self, *, timeout: float | None) -> None:
        futures: list[Future[Any]] = [*self._running, *self._counting]
        done, _ = wait(futures, timeout=timeout, return_when=FIRST_COMPLETED)
        for future in done:
            if future in self._counting:
                self._settle_count(future)
                continue
            queue, row = self._running.pop(future)
            queue.in_flight -= 1
            self._settle(queue, row, future)

    def _settle(self, queue: LaneQueue, row: Row, future: Future[Result]) -> None:
        try:
            self._settler.succeeded(queue, row, future.result())
        except RetryableError as error:
            self._settler.failed(queue, row, error)
        except Exception as error:  # noqa: BLE001  (one row that meets a bug must not stop the others)
            # Its type only: a text that is not ours may hold anything.
            self._log.error("drain.failed", error=type(error).__name__)

    def _settle_count(self, future: Future[int]) -> None:
        limit, queue, row, asked_at = self._counting.pop(future)
        try:
            limit.counted(future.result(), asked_at)
        except RetryableError as error:
            limit.is_counting = False
            self._settler.count_failed(queue, row, error, is_global=limit.dag_id is None)
        except Exception as error:  # noqa: BLE001  (see _settle)
            self._log.error("drain.failed", error=type(error).__name__)

    def _finish(self) -> None:
        """Wait for what is under way; each call ends within its own time-outs."""
        while self._running or self._counting:
            self._settle_done(timeout=None)
        for queue in self._queues.values():
            self._settler.defer_doubts(queue)
