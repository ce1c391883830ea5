"""`OrderedQueue`: an ordered lane in one drain: always its first row, read afresh."""

from datetime import datetime

from shared.jobs.lane_queue import LaneQueue
from shared.model.errors import RouteMissing
from shared.model.hold import LONGEST_WAIT
from shared.model.lane import STATE
from shared.storage.outbox import Outbox
from shared.storage.rows import Row

_PAGE = 100


class OrderedQueue(LaneQueue):
    """Hands out the first row of the lane, and nothing more until that one is settled and deleted.

    A row that has to wait stops its lane. Only what its route does not ask for any more is passed over: it
    has no run whose turn it could be.
    """

    def next_row(self, outbox: Outbox, now: datetime) -> Row | None:
        """Return the first row if it is due; None is the end of the pass."""
        after, most = STATE, 1
        while page := outbox.rows(self.partition, after=after, most=most):
            self._note_lane(page)
            for row in page:
                if self._is_due(row, now):
                    return row
                if row.pending is None or row.pending.reason != RouteMissing.code:
                    self._is_at_end = True
                    return None
            if len(page) < most:
                break
            after, most = page[-1].key, _PAGE
        self._is_at_end = True
        return None

    def _is_due(self, row: Row, now: datetime) -> bool:
        # Nothing comes last here: its turn is now, or the lane waits.
        not_before = row.pending.not_before if row.pending else None
        return not_before is None or not now < not_before <= now + LONGEST_WAIT

    def give_back(self, row: Row) -> None:
        """Do nothing: it is read again."""

    def retry_all(self) -> None:
        """Begin another pass; there is nothing that only it would send."""
        self._begin()
