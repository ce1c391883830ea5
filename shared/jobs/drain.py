"""`Drain`: goes through the outbox once, lane by lane in turn, and sends what is due."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import Any

from shared.delivery.permits import Permits
from shared.delivery.rate_limits import COUNT_SECONDS, Caps, QueuedRunsLimit
from shared.event_log import EventLog
from shared.jobs.lane_queue import LaneQueue
from shared.jobs.lanes import Lanes
from shared.jobs.row_settler import RowSettler
from shared.jobs.row_worker import Result, RowWorker
from shared.model.errors import RetryableError
from shared.model.lane import NEW, SEAL, LaneKind
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
        self._lanes = Lanes(outbox, worker, settler, timing)
        self._running: dict[Future[Result], tuple[LaneQueue, Row]] = {}
        self._counting: dict[Future[int], tuple[QueuedRunsLimit, LaneQueue]] = {}
        self._wake_at = 0.0

    def run(self) -> int:
        """Send what is due until nothing is, or the time is over; return how many rows were settled.

        Raises:
            StorageUnavailable: The outbox cannot be read; the next drain goes on.
        """
        with ThreadPoolExecutor(self._permits.most) as pool, self._settler:
            try:
                self._lanes.scan()
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
        if self._timing.clock() >= self._lanes.next_scan:
            self._lanes.scan()
        while self._submit_round(pool):
            self._settle_done(timeout=0)
        if not self._running and not self._counting:
            if self._wake_at >= self._end:
                return False
            self._settler.flush()
            until = min(self._wake_at, self._lanes.next_scan) - self._timing.clock()
            self._timing.sleep(max(_SHORTEST_SLEEP_SECONDS, until))
            return True
        left = min(self._wake_at, self._lanes.next_scan) - self._timing.clock()
        self._settle_done(timeout=max(_SHORTEST_SLEEP_SECONDS, left))
        return True

    def _submit_round(self, pool: ThreadPoolExecutor) -> bool:
        """Serve each lane once, beginning after the one that was served last."""
        share = self._lanes.share(self._permits.most)
        submitted = False
        for queue in self._lanes.in_turn(self._handover.last_lane):
            is_full = len(self._running) >= self._permits.most or (self._settler.is_probing and self._running)
            if is_full or self._is_over():
                return False
            if self._submit(queue, share, pool):
                self._handover.last_lane = queue.partition
                submitted = True
        return submitted

    def _submit(self, queue: LaneQueue, share: int, pool: ThreadPoolExecutor) -> bool:
        """Send the next row of a lane, if it may; tell whether the lane may have another turn."""
        if queue.is_closed or queue.is_in_doubt or queue.in_flight >= self._window(queue, share):
            return False
        if queue.wait_until > self._timing.clock():
            self._wake_at = min(self._wake_at, queue.wait_until)
            return False
        row = queue.next_row(self._outbox, self._timing.now())
        if row is None:
            if queue.is_exhausted:
                self._settler.at_end(queue)
            return not queue.is_exhausted
        if work := self._work_without_run(queue, row):
            self._start(queue, row, pool, work)
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
            self._start(queue, row, pool, lambda: prepared)
        return True

    def _work_without_run(self, queue: LaneQueue, row: Row) -> Callable[[], Result] | None:
        """Return what is to be done with what is not to be sent yet; None for a run."""
        if queue.partition == NEW.key:
            return partial(self._worker.route, row)
        if queue.kind is LaneKind.COMPANIONS:
            return partial(self._worker.look_again, row)
        if queue.kind is LaneKind.BATCH and row.key == SEAL:
            return partial(self._worker.gather, row, queue.state, lambda: not self._is_over())
        return None

    def _submit_run(self, queue: LaneQueue, row: Row, run: RunRequest, pool: ThreadPoolExecutor) -> bool:
        if row.pending and run.dag_id != row.pending.lane.dag_id:
            if not self._settler.marks.may_move(queue, row):
                return False
            self._start(queue, row, pool, partial(self._worker.move, row, run))
            return True
        if queue.state and queue.state.moving_since:
            queue.keeps_rows = True
            if queue.lane and self._worker.is_home(queue.lane):
                self._settler.marks.keep(queue)
            return True
        for limit in self._caps.due_counts(run):
            in_flight = queue.in_flight if limit.dag_id else len(self._running)
            limit.begin(in_flight=in_flight, clock=self._timing.clock())
            self._counting[_submit(pool, partial(self._worker.count, limit))] = (limit, queue)
        delay = self._caps.wait_for(run)
        if delay > timedelta(0):
            queue.give_back(row)
            queue.wait_until = self._timing.clock() + delay.total_seconds()
            self._wake_at = min(self._wake_at, queue.wait_until)
            return False
        self._caps.take(run)
        is_probing = self._settler.is_probing
        deliver = partial(self._worker.deliver, row, run, queue.state, is_airflow_held=is_probing)
        self._start(queue, row, pool, deliver)
        return True

    def _window(self, queue: LaneQueue, share: int) -> int:
        if queue.is_ordered or queue.goes_alone or (queue.state and queue.state.hold):
            return 1
        if queue.partition == NEW.key or queue.kind is LaneKind.COMPANIONS:
            return share
        return min(share, self._permits.window(queue.lane)) if queue.lane else 1

    def _start(
        self, queue: LaneQueue, row: Row, pool: ThreadPoolExecutor, work: Callable[[], Result]
    ) -> None:
        if queue.is_ordered:
            work = partial(self._worker.then_delete, row, work)
        queue.in_flight += 1
        self._running[_submit(pool, work)] = (queue, row)

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
        was_recovered = self._settler.is_recovered
        try:
            self._settler.succeeded(queue, row, future.result())
        except RetryableError as error:
            self._settler.failed(queue, row, error)
        except Exception as error:  # noqa: BLE001  (one row that meets a bug must not stop the others)
            # Its type only: a text that is not ours may hold anything.
            self._log.error("drain.failed", error=type(error).__name__)
        if self._settler.is_recovered and not was_recovered:
            self._lanes.retry_all()

    def _settle_count(self, future: Future[int]) -> None:
        limit, queue = self._counting.pop(future)
        if self._timing.clock() > limit.count_at and not self._log.counts["cap.slow"]:
            # Once for each process: the cap holds, but runs are sent later than they could be.
            self._log.warning("cap.slow", dag_id=limit.dag_id, seconds=COUNT_SECONDS)
        try:
            limit.counted(future.result())
        except RetryableError as error:
            self._settler.count_failed(queue, error, is_global=limit.dag_id is None)
        except Exception as error:  # noqa: BLE001  (see _settle)
            self._log.error("drain.failed", error=type(error).__name__)
        limit.is_counting = False

    def _finish(self) -> None:
        """Wait for what is under way; each call ends within its own time-outs."""
        while self._running or self._counting:
            self._settle_done(timeout=None)
        self._lanes.defer_doubts()


def _submit[T](pool: ThreadPoolExecutor, work: Callable[[], T]) -> Future[T]:
    # The worker drops log records without an invocation, which it keeps in a context variable.
    return pool.submit(copy_context().run, work)
