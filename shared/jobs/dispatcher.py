"""`Dispatcher`: drains the outbox, by the timer and after live events."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from shared.delivery.holds import Holds
from shared.event_log import EventLog
from shared.jobs.drain import Drain
from shared.model.errors import StorageUnavailable
from shared.model.hold import LONGEST_WAIT, LaneState
from shared.model.lane import EVERYTHING
from shared.storage.drain_lease import DrainLease, Handover
from shared.storage.outbox import Head, Outbox
from shared.storage.rows import Row
from shared.timing import Timing

_MOST_EMPTY_DRAINS = 2
_MOST_ROWS_LOOKED_AT = 100
"""A due row behind so many that wait for reasons of their own is overlooked until the next tick."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_TRY_AGAIN_SECONDS = 1.0


class Dispatcher:
    """Decides when to drain. One drain at a time over all instances, as far as a lease can see to that.

    Args:
        outbox: What waits.
        lease: Who drains.
        holds: What this instance believes to be on hold.
        make_drain: Makes a drain that ends at a moment of the monotonic clock.
        requested: Set when an event was written that waits for room only.
        log: Of events.
        timing: The clocks, and how often to look.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        lease: DrainLease,
        holds: Holds,
        make_drain: Callable[[Handover, float], Drain],
        requested: threading.Event,
        log: EventLog,
        timing: Timing,
    ) -> None:
        self._outbox = outbox
        self._lease = lease
        self._holds = holds
        self._make_drain = make_drain
        self._log = log
        self._timing = timing
        self._requested = requested
        self._lock = threading.Lock()
        self._next_look = timing.clock() + timing.look_seconds

    def after_event(self) -> None:
        """Drain if a new row waits for room only; look at all lanes once a minute. Never raises."""
        end = self._timing.clock() + self._timing.live_drain_seconds
        # One thread is enough; a request that comes while it is busy is seen in its next round.
        while self._is_needed() and self._timing.clock() < end and self._lock.acquire(blocking=False):
            try:
                is_requested = self._requested.is_set()
                self._requested.clear()
                if is_requested or self._look():
                    self.drain(end)
            except StorageUnavailable as error:
                # The event itself is safe, and the next tick goes on.
                self._log.warning("drain.storage_failed", message=str(error))
            except Exception as error:  # noqa: BLE001  (the event is settled: it must not come again for a bug here)
                self._log.error("drain.failed", error=type(error).__name__)
            finally:
                self._lock.release()

    def _is_needed(self) -> bool:
        return self._requested.is_set() or self._timing.clock() >= self._next_look

    def drain(self, end: float, *, patience_seconds: float = 0.0) -> int:
        """Drain until nothing is due or the time is over; return how many rows were settled.

        Rows are written before the lease is tried. So the holder scans once more after releasing it, and
        sees the row of a caller that was refused.

        Args:
            end: When to stop, in monotonic seconds.
            patience_seconds: How long to wait for the lease; that of a worker that was killed ends by itself.

        Raises:
            StorageUnavailable: The outbox cannot be read; the next tick tries again.
        """
        settled = empty = 0
        give_up_at = self._timing.clock() + patience_seconds
        heads = list(self._outbox.lanes())
        while heads and self._timing.clock() < end and empty < _MOST_EMPTY_DRAINS:
            with self._lease.hold() as handover:
                done = None if handover is None else self._make_drain(handover, end).run()
            if done is None:
                if self._timing.clock() >= give_up_at:
                    break
                self._timing.sleep(_TRY_AGAIN_SECONDS)
                continue
            settled += done
            empty = 0 if done else empty + 1
            heads = [head for head in self._open(list(self._outbox.lanes())) if self._is_due(head)]
        if settled:
            self._log.info("drain.done", settled=settled)
        return settled

    def _look(self) -> bool:
        """Learn of holds; tell whether a row lies there that the timer should have sent long ago."""
        self._next_look = self._timing.clock() + self._timing.look_seconds
        heads = list(self._outbox.lanes())
        self._holds.learn(head.state for head in heads if head.state)
        overdue = timedelta(seconds=self._timing.overdue_seconds)
        return any(self._is_due(head, by=overdue) for head in self._open(heads))

    def _open(self, heads: list[Head]) -> list[Head]:
        """Return the lanes that may be drained: none while everything is on hold."""
        states = {head.partition: head.state for head in heads}
        if self._is_shut(states.pop(EVERYTHING.key, None)):
            return []
        return [head for head in heads if head.partition in states and not self._is_shut(head.state)]

    def _is_shut(self, state: LaneState | None) -> bool:
        is_waiting = state and state.hold and not state.hold.is_due(self._timing.now())
        return bool(state and (state.person or is_waiting))

    def _is_due(self, head: Head, *, by: timedelta = timedelta(0)) -> bool:
        """Tell whether one of the first rows of a lane has been due for so long."""
        until = self._timing.now() - by
        hold = head.state.hold if head.state else None
        if hold and until < hold.next_probe <= self._timing.now() + LONGEST_WAIT:
            return False
        if head.row and _due_at(head.row) <= until:
            return True
        rows = self._outbox.rows(head.partition, most=_MOST_ROWS_LOOKED_AT)
        return any(_due_at(row) <= until for row in rows)


def _due_at(row: Row) -> datetime:
    times = (row.pending.not_before, row.pending.parked_at) if row.pending else ()
    return max((moment for moment in times if moment), default=_LONG_AGO)
