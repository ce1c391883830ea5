"""`Dispatcher`: drains the outbox, by the timer and after live events."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from shared.airflow.time_limit import seconds_left
from shared.delivery.holds import Holds
from shared.event_log import EventLog
from shared.model.errors import StorageUnavailable
from shared.model.hold import LONGEST_WAIT, LaneState
from shared.model.lane import EVERYTHING, LaneKind, kind_of
from shared.storage.drain_lease import DrainLease, Handover
from shared.storage.outbox import Head, Outbox
from shared.storage.rows import Row
from shared.timing import Timing

_MOST_EMPTY_DRAINS = 2
_MOST_ROWS_LOOKED_AT = 100
"""A due row behind so many that wait for reasons of their own is overlooked until the next tick."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_TRY_AGAIN_SECONDS = 1.0
_LATE_SECONDS = 600
_LAST_CALL_SECONDS = 60.0
"""Of a live invocation's time: what its drain sends last is not to be cut off."""


class Dispatcher:
    """Decides when to drain. One drain at a time over all instances, as far as a lease can see to that.

    Args:
        outbox: What waits.
        lease: Who drains.
        holds: What this instance believes to be on hold.
        drain_once: Drains until a moment of the monotonic clock; returns how many rows were settled.
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
        drain_once: Callable[[Handover, float], int],
        requested: threading.Event,
        log: EventLog,
        timing: Timing,
    ) -> None:
        self._outbox = outbox
        self._lease = lease
        self._holds = holds
        self._drain_once = drain_once
        self._log = log
        self._timing = timing
        self._requested = requested
        self._lock = threading.Lock()
        self._next_look = timing.clock() + timing.look_seconds

    def after_event(self) -> None:
        """Drain if a new row waits for room only; look at all lanes once a minute. Never raises."""
        seconds = min(self._timing.live_drain_seconds, seconds_left() - _LAST_CALL_SECONDS)
        end = self._timing.clock() + seconds
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
        # A person's hold is known here at each tick, also while no events come.
        self._holds.learn(head.state for head in heads if head.state)
        while heads and self._timing.clock() < end and empty < _MOST_EMPTY_DRAINS:
            with self._lease.hold() as handover:
                done = None if handover is None else self._drain_once(handover, end)
            if done is None:
                if self._timing.clock() >= give_up_at:
                    break
                self._timing.sleep(_TRY_AGAIN_SECONDS)
                continue
            settled += done
            empty = 0 if done else empty + 1
            heads = [head for head in self._open(list(self._outbox.lanes())) if self._due_since(head)]
        if settled:
            self._log.info("drain.done", settled=settled)
        return settled

    def _look(self) -> bool:
        """Learn of holds; tell whether a row lies there that the timer should have sent long ago."""
        self._next_look = self._timing.clock() + self._timing.look_seconds
        heads = list(self._outbox.lanes())
        self._holds.learn(head.state for head in heads if head.state)
        overdue = timedelta(seconds=self._timing.overdue_seconds)
        due = [(since, head) for head in self._open(heads) if (since := self._due_since(head, by=overdue))]
        everything = next((head.state for head in heads if head.partition == EVERYTHING.key), None)
        self._log_late([(max(since, _open_since(everything, head.state)), head) for since, head in due])
        return bool(due)

    def _log_late(self, due: list[tuple[datetime, Head]]) -> None:
        """Log the oldest row that could have been sent long ago: a timer that has stopped cannot say so."""
        known = [(since, head) for since, head in due if since > _LONG_AGO]
        if not known:
            return
        since, head = min(known, key=itemgetter(0))
        seconds = int((self._timing.now() - since).total_seconds())
        if seconds >= _LATE_SECONDS:
            self._log.warning("outbox.late", oldest_seconds=seconds, route=head.route_id)

    def _open(self, heads: list[Head]) -> list[Head]:
        """Return the lanes that may be drained: none while everything is on hold."""
        states = {head.partition: head.state for head in heads}
        if self._is_shut(states.pop(EVERYTHING.key, None)):
            return []
        return [head for head in heads if head.partition in states and not self._is_shut(head.state)]

    def _is_shut(self, state: LaneState | None) -> bool:
        is_waiting = state and state.hold and not state.hold.is_due(self._timing.now())
        return bool(state and (state.person or is_waiting))

    def _due_since(self, head: Head, *, by: timedelta = timedelta(0)) -> datetime | None:
        """Return since when one of the first rows of a lane is due; None if none has been for so long."""
        until = self._timing.now() - by
        hold = head.state.hold if head.state else None
        if hold and until < hold.next_probe <= self._timing.now() + LONGEST_WAIT:
            return None
        if head.state and head.state.next_look:
            if not head.state.is_early(until):
                return min(head.state.next_look, until)
            if kind_of(head.partition) is LaneKind.COMPANIONS:
                return None
        if head.row and (since := _due_at(head.row)) <= until:
            return since
        rows = self._outbox.rows(head.partition, most=_MOST_ROWS_LOOKED_AT)
        return min((since for row in rows if (since := _due_at(row)) <= until), default=None)


def _open_since(*states: LaneState | None) -> datetime:
    """Return the last time that a row was kept back by one of the states of its lane."""
    holds = [state.hold.next_probe for state in states if state and state.hold]
    moves = [state.moving_since for state in states if state and state.moving_since]
    return max([*holds, *moves], default=_LONG_AGO)


def _due_at(row: Row) -> datetime:
    times = (row.pending.not_before, row.pending.parked_at) if row.pending else ()
    return max((moment for moment in times if moment), default=_LONG_AGO)
