"""`RowSettler`: writes what came of each row of a drain, and what its failures say about others."""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self

from shared.event_log import EventLog
from shared.jobs.lane_queue import Doubt, LaneQueue
from shared.jobs.move_marks import MoveMarks
from shared.jobs.row_worker import Result
from shared.model.errors import (
    AtCapacity,
    RetryableError,
    RouteMissing,
    Scope,
    StorageUnavailable,
)
from shared.model.hold import LONGEST_WAIT, LaneState
from shared.model.lane import EVERYTHING, NEW, LaneKind
from shared.settlement import Settlement
from shared.storage.outbox import Outbox
from shared.storage.rows import Row
from shared.storage.tables import MOST_IN_TRANSACTION
from shared.timing import Timing

_DELETE_AFTER_SECONDS = 1.0
_NO_PERMIT_SECONDS = 0.1


class RowSettler:
    """Settles rows for one drain; used by its thread alone, while it deletes in one of its own.

    Attributes:
        marks: On lanes whose rows move to another DAG.
        settled: How many rows were delivered, moved or set aside.
        is_stopped: Whether nothing is to be sent any more, because everything is on hold.
        is_probing: Whether everything was on hold: one call at a time until the first success.
        is_recovered: Whether a hold on everything has ended.
    """

    def __init__(self, *, outbox: Outbox, settlement: Settlement, log: EventLog, timing: Timing) -> None:
        self._outbox = outbox
        self._settlement = settlement
        self._log = log
        self._timing = timing
        self.marks = MoveMarks(outbox, log, timing)
        self.settled = 0
        self.is_stopped = False
        self.is_recovered = False
        self._everything: LaneState | None = None
        self._gone: dict[str, list[Row]] = defaultdict(list)
        self._flushed_at = self._timing.clock()
        self._deleter = ThreadPoolExecutor(1)
        self._deletes: list[Future[None]] = []

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete what is still to be deleted."""
        self.flush()
        self._deleter.shutdown(wait=True)
        for delete in self._deletes:
            if fault := delete.exception():
                # The rows are posted once more, Airflow says "there already", and they go then.
                self._log.warning("drain.delete_failed", message=str(fault))

    @property
    def is_probing(self) -> bool:
        """Whether one call at a time is to be sent, until the first success."""
        return self._everything is not None

    def may_start(self, state: LaneState | None) -> bool:
        """Take the state of everything; tell whether anything may be sent."""
        if state is None or not (state.hold or state.person):
            return True
        is_waiting = state.hold is not None and not state.hold.is_due(self._timing.now())
        self.is_stopped = bool(state.person) or is_waiting
        if not self.is_stopped:
            self._everything = state
        return not self.is_stopped

    def succeeded(self, queue: LaneQueue, row: Row, result: Result) -> None:
        """Settle a row that is done."""
        if result is Result.DELIVERED:
            self._airflow_is_well()
        if result is Result.DELIVERED or queue.partition == NEW.key:
            self._lane_is_well(queue)
        if result is not Result.KEPT:
            self.settled += 1
            if queue.is_ordered:
                return  # its row is deleted already
            self._gone[queue.partition].append(row)
            is_full = len(self._gone[queue.partition]) >= MOST_IN_TRANSACTION
            if is_full or self._timing.clock() - self._flushed_at >= _DELETE_AFTER_SECONDS:
                self.flush()
        self._close_if_in_doubt(queue)

    def failed(self, queue: LaneQueue, row: Row, error: RetryableError) -> None:
        """Settle a row that has to go on waiting, and hold what its failure is about."""
        if isinstance(error, AtCapacity):
            queue.give_back(row)
            queue.wait_until = self._timing.clock() + _NO_PERMIT_SECONDS
        else:
            self._failed(queue, row, error)
        self._close_if_in_doubt(queue)

    def _failed(self, queue: LaneQueue, row: Row, error: RetryableError) -> None:
        queue.has_failed = True
        if error.scope is Scope.AIRFLOW:
            self._mark_sent(row, error)
            self._stop(error)
        elif error.scope is Scope.LANE or (queue.is_ordered and not isinstance(error, RouteMissing)):
            if error.is_answer:
                self._airflow_is_well()
            self._mark_sent(row, error)
            self._close(queue, error)
        elif queue.kind is LaneKind.COMPANIONS:
            self._defer(row, error)
        elif error.may_be_common:
            # The next row of the lane tells whether the trouble is the row's or the lane's.
            queue.doubts.append(Doubt(row, error))
        else:
            self._defer(row, error)

    def count_failed(self, queue: LaneQueue, error: RetryableError, *, is_global: bool) -> None:
        """Hold what a cap is for whose runs cannot be counted; the hold says so."""
        msg = f"The runs that wait in Airflow cannot be counted, so a cap on them holds the rest: {error}"
        fault = type(error)(msg, retry_after_seconds=error.retry_after_seconds)
        if is_global or error.scope is Scope.AIRFLOW:
            self._stop(fault)
        else:
            self._close(queue, fault)

    def at_end(self, queue: LaneQueue) -> None:
        """Settle a lane that has no due row any more."""
        if queue.in_flight or queue.is_closed:
            return
        self.defer_doubts(queue)
        state = queue.state
        if state and state.moving_since and queue.keeps_rows and not queue.has_failed:
            self.marks.keep(queue)
        elif queue.kind is LaneKind.COMPANIONS and queue.lane and queue.earliest and not queue.has_taken:
            queue.is_closed = True
            state, moment = state or LaneState(lane=queue.lane), queue.earliest
            self._try(lambda: self._outbox.look_later(state, moment))
        elif state and queue.is_empty and not state.person:
            queue.state = None
            self._try(lambda: self._outbox.drop_state(state))

    def defer_doubts(self, queue: LaneQueue) -> None:
        """Let each row wait by itself whose failure turned out to be its own, or was never explained."""
        doubts, queue.doubts = queue.doubts, []
        for doubt in doubts:
            self._defer(doubt.row, doubt.error)

    def flush(self) -> None:
        """Delete the rows that are done, in a thread of its own."""
        self._flushed_at = self._timing.clock()
        for partition in list(self._gone):
            rows = self._gone.pop(partition)
            # What the SDK logs there belongs to the invocation, as in drain.py.
            run = copy_context().run
            self._deletes.append(self._deleter.submit(run, self._outbox.delete, rows))

    def _lane_is_well(self, queue: LaneQueue) -> None:
        if queue.state and queue.state.hold:
            # A person may have edited the columns that name the lane; its rows name it surely.
            self._settlement.release(replace(queue.state, lane=queue.lane or queue.state.lane))
            queue.state = replace(queue.state, hold=None)
            queue.retry_all()
        self.defer_doubts(queue)

    def _airflow_is_well(self) -> None:
        if self._everything:
            self._settlement.release(self._everything)
            self._everything = None
            self.is_recovered = True

    def _close_if_in_doubt(self, queue: LaneQueue) -> None:
        """Hold the lane whose rows have failed one after the other, once nothing of it is in flight any more.

        A call that is under way may be a success, and the hold would be over as soon as it began. The next
        probes try other rows first, so that a few poisoned names do not pin the lane.
        """
        if queue.in_flight or not queue.is_in_doubt:
            return
        doubts, queue.doubts = queue.doubts, []
        self._close(queue, doubts[-1].error)
        for doubt in doubts:
            self._write(doubt.row, doubt.error, not_before=self._timing.now() + LONGEST_WAIT)

    def _close(self, queue: LaneQueue, error: RetryableError) -> None:
        queue.is_closed = True
        error.scope = Scope.LANE
        if queue.lane:
            queue.state = self._settlement.hold(queue.lane, error) or queue.state

    def _stop(self, error: RetryableError) -> None:
        if not self.is_stopped:
            self.is_stopped = True
            error.scope = Scope.AIRFLOW
            self._settlement.hold(EVERYTHING, error)

    def _mark_sent(self, row: Row, error: RetryableError) -> None:
        """Note where the run may have been sent to, once; nothing else of the row changes in an outage."""
        if row.pending and error.may_have_been_sent:
            target = self._settlement.target(row.pending.lane)
            if target not in row.pending.sent_to:
                self._write(row, error)

    def _defer(self, row: Row, error: RetryableError) -> None:
        if row.pending:
            pending = self._settlement.after_failure(row.pending, error)
            self._settlement.log_waiting(pending, error)
            self._write(row, error, not_before=pending.not_before)

    def _write(self, row: Row, error: RetryableError, *, not_before: datetime | None = None) -> None:
        if row.pending is None:
            return
        target = self._settlement.target(row.pending.lane) if error.may_have_been_sent else None
        now = self._timing.now()
        pending = row.pending.after(error, now=now, sent_to=target, not_before=not_before)
        self._try(lambda: self._outbox.defer(row, pending))

    def _try(self, write: Callable[[], object]) -> bool:
        """Carry out a write that the next drain makes good if it fails; tell whether it was done."""
        try:
            write()
        except StorageUnavailable as fault:
            self._log.warning("drain.storage_failed", message=str(fault))
            return False
        return True
