"""`MoveMarks`: which lanes rest, because their rows are to move to the DAG that their route names now."""

from collections.abc import Callable
from dataclasses import replace

from shared.event_log import EventLog
from shared.jobs.lane_queue import LaneQueue
from shared.model.errors import DagMissing, StorageUnavailable
from shared.model.hold import LONGEST_WAIT, LaneState
from shared.model.lane import EVERYTHING
from shared.storage.outbox import Outbox
from shared.storage.rows import Row
from shared.timing import Timing


class MoveMarks:
    """Marks lanes in their states, and takes the marks away; used by the thread of the drain alone."""

    def __init__(self, outbox: Outbox, log: EventLog, timing: Timing) -> None:
        self._outbox = outbox
        self._log = log
        self._timing = timing

    def may_move(self, queue: LaneQueue, row: Row) -> bool:
        """Tell whether the rows of a lane may move to another DAG now; mark the lane first.

        From the mark on nobody sends its rows; ten minutes later nothing of it is under way any more.
        """
        state = queue.state or LaneState(lane=row.pending.lane if row.pending else EVERYTHING)
        if state.moving_since is None:
            mark = LaneState(lane=state.lane, moving_since=self._timing.now())
            if not self._try(lambda: self._outbox.write_state(mark)):
                queue.is_closed = True
                return False
            queue.state = state = replace(state, moving_since=mark.moving_since)
            self._log.warning("lane.moving", lane=str(state.lane))
        if self._may_change_hands(state):
            return True
        queue.is_closed = True
        return False

    def may_stay(self, queue: LaneQueue) -> bool:
        """Tell whether a marked lane whose rows all belong to it, for its route was edited back, is served.

        It rests as long as if its rows were to move: instances of another version may have set the mark.
        """
        if queue.state and not self._has_rested(queue.state):
            queue.is_closed = True
            return False
        self._unmark(queue)
        return True

    def at_end(self, queue: LaneQueue) -> None:
        """Take the mark away from a lane of which nothing is left that has to move."""
        if queue.state and self._may_change_hands(queue.state) and not queue.has_failed:
            self._unmark(queue)

    def _unmark(self, queue: LaneQueue) -> None:
        if queue.state and (lane := queue.lane):
            queue.state = replace(queue.state, moving_since=None)
            self._try(lambda: self._outbox.lift_mark(lane))

    def _may_change_hands(self, state: LaneState) -> bool:
        if state.moving_since is None:
            return False
        is_missing = state.hold is not None and state.hold.reason == DagMissing.code
        return is_missing or self._has_rested(state)

    def _has_rested(self, state: LaneState) -> bool:
        rested = self._timing.now() - (state.moving_since or self._timing.now())
        # A mark from a time far ahead is a mistake.
        return rested.total_seconds() >= self._timing.move_seconds or rested < -LONGEST_WAIT

    def _try(self, write: Callable[[], object]) -> bool:
        try:
            write()
        except StorageUnavailable as fault:
            self._log.warning("drain.storage_failed", message=str(fault))
            return False
        return True
