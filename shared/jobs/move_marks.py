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
        if state.moving_since is None or state.moving_back:
            state = replace(state, moving_since=self._timing.now(), moving_back=False)
            if not self._mark(state):
                queue.is_closed = True
                return False
            queue.state = state
        is_missing = state.hold is not None and state.hold.reason == DagMissing.code
        if is_missing or self._has_rested(state):
            return True
        queue.is_closed = True
        return False

    def keep(self, queue: LaneQueue) -> None:
        """End a move whose remaining rows stay, for the route names their DAG again.

        The lane rests once more, for an instance with the routes in between may be moving rows. Then the mark
        goes, and the next drain reads the rows anew and sends them: docs/decisions/0027-edited-routes.md.
        """
        state = queue.state
        queue.is_closed = True
        if state is None or state.moving_since is None:
            return
        if not state.moving_back:
            self._mark(replace(state, moving_since=self._timing.now(), moving_back=True))
        elif self._has_rested(state):
            self._try(lambda: self._outbox.lift_mark(state))

    def _mark(self, state: LaneState) -> bool:
        self._log.warning("lane.moving", lane=str(state.lane), back=state.moving_back)
        # The mark alone: a hold may have ended since the state was read.
        mark = replace(state, hold=None, person=None)
        return self._try(lambda: self._outbox.write_state(mark))

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
