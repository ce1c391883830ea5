"""`LaneQueue`: one lane in one drain: what is next, what is in flight, what is in doubt."""

from collections import deque
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from shared.model.errors import (
    AirflowNotFound,
    AirflowUnclear,
    AirflowUnreachable,
    CredentialsRefused,
    NotAirflow,
    RetryableError,
    StorageUnavailable,
)
from shared.model.hold import LONGEST_LOOK, LONGEST_WAIT, LaneState
from shared.model.lane import STATE, Lane, LaneKind, kind_of
from shared.storage.outbox import Outbox
from shared.storage.rows import Row

_PAGE = 100
_LONG_PAGE = 1_000
"""A lane whose rows are not due is passed over in large steps."""

_DOUBTS_FOR_HOLD = 3
_DOUBTS_FOR_HOLD_AGAIN = 2

_ENDS_WITH_HOLD = {
    error.code
    for error in (
        AirflowUnclear,
        NotAirflow,
        AirflowUnreachable,
        AirflowNotFound,
        CredentialsRefused,
        StorageUnavailable,
    )
}
"""What may have been the trouble of the lane: worth a try once its hold has ended."""


class Doubt(NamedTuple):
    """A row whose delivery failed in a way that may be its own or its lane's trouble."""

    row: Row
    error: RetryableError


class LaneQueue:
    """Hands out the due rows of a lane in their order, each once; those that failed before come last.

    Else a thousand names that a gateway refuses would keep the lane on hold, and a good one behind them back.

    Attributes:
        partition: Of the lane.
        state: Of the lane, as it was read; None where it has none.
        in_flight: Calls under way.
        doubts: Rows that failed since the last success.
        has_failed: Whether a row had to stay.
        keeps_rows: Whether rows were passed over that need not move.
        is_closed: Whether the lane is left alone for the rest of the drain.
        lane: Of its rows; None until one was read.
        wait_until: When a cap lets the next run through, in monotonic seconds.
        kind: Of the lane.
        earliest: When the first row is due that this pass passed over; None where it passed over none.
        has_taken: Whether this pass has handed out a row.
        goes_alone: Whether nothing else of the lane is to be in flight beside the last row.
    """

    begins_after = STATE

    def __init__(self, partition: str, state: LaneState | None = None) -> None:
        self.partition = partition
        self.kind = kind_of(partition)
        self.earliest: datetime | None = None
        self.has_taken = False
        self.state = state
        self.in_flight = 0
        self.doubts: list[Doubt] = []
        self.has_failed = False
        self.keeps_rows = False
        self.is_closed = False
        self.lane: Lane | None = None
        self.wait_until = 0.0
        self._rows: deque[Row] = deque()
        self._busy: set[str] = set()
        self.goes_alone = False
        self._after = self.begins_after
        self._is_at_end = False
        self._passes_over = False
        self._passed_over = 0
        self._started_at = float("-inf")
        self._will_retry = False
        self._retries = False
        self._waits_no_more = False

    @property
    def is_ordered(self) -> bool:
        """Whether each row is settled before the next is read."""
        return self.kind is LaneKind.ORDERED

    @property
    def is_in_doubt(self) -> bool:
        """Whether so many different rows have failed in a row that the lane itself must be in trouble."""
        most = _DOUBTS_FOR_HOLD_AGAIN if self.state and self.state.hold else _DOUBTS_FOR_HOLD
        return len(self.doubts) >= most

    def is_active(self, clock: float) -> bool:
        """Tell whether the lane has a use for a part of the pool now; one that a cap holds back has none."""
        is_idle = self.is_closed or self.is_exhausted or self.wait_until > clock
        return bool(self.in_flight) or not is_idle

    @property
    def is_empty(self) -> bool:
        """Whether a whole pass has found nothing, due or not."""
        return self._is_at_end and self.lane is None and self._after == self.begins_after

    @property
    def is_exhausted(self) -> bool:
        """Whether a pass over the lane has come to its end."""
        return self._is_at_end and not self._rows and not self._will_retry

    def next_row(self, outbox: Outbox, now: datetime) -> Row | None:
        """Return the next row that is due, and take it.

        One page is read at most, so that a long lane of which nothing is due holds up no other: None is the
        end only where `is_exhausted`.
        """
        if not self._rows and self._is_at_end and self._will_retry:
            self._will_retry, self._retries = False, True
            self._begin()
        if not self._rows and not self._is_at_end:
            self._read_page(outbox)
        while self._rows:
            row = self._rows.popleft()
            if row.key in self._busy:
                continue
            if self._is_due(row, now):
                self._busy.add(row.key)
                self.has_taken = True
                return row
            self._passed_over += 1
            due = row.pending.not_before if row.pending else None
            self.earliest = min(filter(None, (self.earliest, due)), default=None)
        return None

    def give_back(self, row: Row) -> None:
        """Put a row back that was taken and not tried."""
        self._busy.discard(row.key)
        self._rows.appendleft(row)

    def restart(self, clock: float) -> None:
        """Go through the lane once more where the end was reached, a second later for each long page."""
        if self.is_exhausted and clock >= self._started_at + self._passed_over // _LONG_PAGE:
            self._retries = False
            self._begin()
            self._started_at = clock

    def retry_all(self) -> None:
        """Go through the lane once more afterwards, because a hold has ended, or is probed.

        Then a row is due that waits for what may have been the trouble of the hold.
        """
        self._will_retry = self._waits_no_more = True

    def _begin(self) -> None:
        self.earliest, self.has_taken = None, False
        self._after, self._is_at_end, self._passed_over = self.begins_after, False, 0

    def _read_page(self, outbox: Outbox) -> None:
        most = _LONG_PAGE if self._passes_over else _PAGE
        page = outbox.rows(self.partition, after=self._after, most=most)
        self._is_at_end = len(page) < most
        if page:
            self._after = page[-1].key
        self._rows.extend(page)
        self._note_lane(page)
        self._passes_over = all(row.pending and row.pending.not_before for row in page)

    def _note_lane(self, page: list[Row]) -> None:
        if self.lane is None:
            self.lane = next((row.pending.lane for row in page if row.pending), None)
            if self.lane and self.state:
                # The columns of its state are for people, who may have edited them.
                self.state = replace(self.state, lane=self.lane)

    def _is_due(self, row: Row, now: datetime) -> bool:
        if row.pending is None:
            return True
        not_before = row.pending.not_before
        # A time that is further away than any wait is a mistake, so due.
        longest = LONGEST_LOOK if self.kind is LaneKind.COMPANIONS else LONGEST_WAIT
        is_due = not_before is None or not now < not_before <= now + longest
        if not_before is None or row.pending.reason not in _ENDS_WITH_HOLD:
            return is_due
        if self._retries:
            return is_due or self._waits_no_more
        self._will_retry |= is_due
        return False
