"""`HoldLog`: a few lines for each hold, not one for each event that it holds up."""

from collections.abc import Callable
from datetime import datetime, timedelta

from shared.event_log import EventLog
from shared.model.hold import LaneState
from shared.model.lane import Lane

_LASTING = timedelta(minutes=1)
_SAME_HOLD = timedelta(seconds=30)
"""Threads that find the same failure at once each set the hold; they speak of it once."""

_SAY_AGAIN = timedelta(minutes=10)
_LOUD_AT_ONCE = {"misconfigured"}


class HoldLog:
    """Logs when a hold starts, an error while it lasts (every ten minutes), and its end.

    Args:
        log: Of events.
        count: Counts the rows that a hold keeps waiting, 1,000 at the most; asked for an error only.
    """

    def __init__(self, log: EventLog, count: Callable[[Lane], int]) -> None:
        self._log = log
        self._count = count
        self._said_at: dict[Lane, datetime] = {}

    def held(self, state: LaneState, now: datetime) -> None:
        """Log a hold that was set or prolonged."""
        if state.hold is None:
            return
        said_at = self._said_at.get(state.lane)
        if said_at is not None and said_at + _SAME_HOLD < state.hold.since:
            said_at = None  # another instance has ended the hold that this one spoke of
        has_lasted = now - state.hold.since >= _LASTING
        if said_at is None and not has_lasted:
            write, event = self._log.warning, "hold.started"
            if state.hold.reason in _LOUD_AT_ONCE:
                write = self._log.error
        elif has_lasted and (
            said_at is None or now - said_at >= _SAY_AGAIN or said_at < state.hold.since + _LASTING
        ):
            write, event = self._log.error, "hold.lasting"
        else:
            return
        self._said_at[state.lane] = now
        write(
            event,
            lane=str(state.lane),
            reason=state.hold.reason,
            since=state.hold.since,
            waiting=self._count(state.lane) if has_lasted else None,
            next=state.hold.next_probe,
            message=state.hold.message,
        )

    def ended(self, state: LaneState, now: datetime) -> None:
        """Log the end of a hold, and how long it lasted."""
        self._said_at.pop(state.lane, None)
        if state.hold:
            seconds = round((now - state.hold.since).total_seconds(), 1)
            self._log.info("hold.ended", lane=str(state.lane), reason=state.hold.reason, seconds=seconds)
