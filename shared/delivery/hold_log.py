"""`HoldLog`: a few lines for each hold, not one for each event that it holds up."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from shared.event_log import EventLog
from shared.model.hold import LaneState
from shared.model.lane import Lane

_LASTING = timedelta(minutes=1)
_SAY_AGAIN = timedelta(minutes=10)
_NEVER = datetime.min.replace(tzinfo=UTC)
_LOUD_AT_ONCE = {"misconfigured"}
_ON_PURPOSE = {"route_disabled"}
"""What a person has decided is said and counted, but is no trouble."""


class HoldLog:
    """Logs when a hold starts, an error while it lasts (every ten minutes), and its end.

    Args:
        log: Of events.
        count: Counts the rows that a hold keeps waiting, 1,000 at the most; asked for an error only.
    """

    def __init__(self, log: EventLog, count: Callable[[Lane], int]) -> None:
        self._log = log
        self._count = count
        self._lock = threading.Lock()
        self._said_at: dict[Lane, datetime] = {}

    def held(self, state: LaneState, now: datetime, *, is_new: bool) -> None:
        """Log a hold that was set or prolonged.

        Args:
            state: With the hold.
            now: The time, aware.
            is_new: Whether this instance did not know of it. Threads that find the same failure at once each
                set the hold, but only one of them is the first.
        """
        if state.hold is None:
            return
        has_lasted = now - state.hold.since >= _LASTING
        with self._lock:
            said_at = _NEVER if is_new else self._said_at.get(state.lane, _NEVER)
            is_due = said_at == _NEVER
            if has_lasted:
                is_due = said_at < state.hold.since + _LASTING or now - said_at >= _SAY_AGAIN
            if not is_due:
                return
            self._said_at[state.lane] = now
        is_loud = has_lasted or state.hold.reason in _LOUD_AT_ONCE
        write = self._log.error if is_loud else self._log.warning
        if state.hold.reason in _ON_PURPOSE:
            write = self._log.info
        write(
            "hold.lasting" if has_lasted else "hold.started",
            lane=str(state.lane),
            reason=state.hold.reason,
            owner=state.hold.owner or None,
            since=state.hold.since,
            waiting=self._count(state.lane) if has_lasted else None,
            next=state.hold.next_probe,
            message=state.hold.message,
        )

    def ended(self, state: LaneState, now: datetime) -> None:
        """Log the end of a hold, and how long it lasted."""
        with self._lock:
            self._said_at.pop(state.lane, None)
        if state.hold:
            seconds = round((now - state.hold.since).total_seconds(), 1)
            self._log.info("hold.ended", lane=str(state.lane), reason=state.hold.reason, seconds=seconds)
