"""`OutboxReport`: what waits and what is dead, one log line for each route, every five minutes."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

import msgspec

from shared.event_log import EventLog
from shared.model.errors import RetryableError
from shared.model.hold import LaneState
from shared.model.lane import EVERYTHING
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import LaneRows, Outbox
from shared.timing import Timing

_MOST_PAGES = 100
_PERSON = "person"
_TOLD = {error.code for error in RetryableError.__subclasses__() if error.waits_as_told}


class RouteState(msgspec.Struct):
    """What waits of one route, over all of its lanes.

    Attributes:
        rows: All that wait, of each lane 1,000 at the most.
        oldest: When the first of those was written that were not told to wait.
        told_rows: Those that were told to, by a person or by their route.
        told_oldest: When the first of these was written.
        dead: Dead letters.
        hold: Why nothing is sent; empty where something may be.
    """

    rows: int = 0
    oldest: datetime | None = None
    told_rows: int = 0
    told_oldest: datetime | None = None
    dead: int = 0
    hold: str = ""

    def add(self, lane: LaneRows, everything: LaneState | None) -> None:
        """Count one lane."""
        hold = _hold(everything, lane.state)
        self.hold = _PERSON if _PERSON in {hold, self.hold} else self.hold or hold
        self.rows += len(lane.rows)
        is_told = hold == _PERSON or _hold(lane.state) in _TOLD
        for reason, parked_at in lane.rows:
            if is_told or reason in _TOLD:
                self.told_rows += 1
                self.told_oldest = _first(self.told_oldest, parked_at)
            else:
                self.oldest = _first(self.oldest, parked_at)


class OutboxReport:
    """Writes the lines, from the one place that the host runs the timer at.

    Args:
        outbox: What waits.
        dead_letters: What is dead.
        log: Takes the lines.
        timing: The clocks, and how often.
        owner_of: Returns who looks after the route with an id; may be empty.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        dead_letters: DeadLetters,
        log: EventLog,
        timing: Timing,
        owner_of: Callable[[str], str] = lambda _route_id: "",
    ) -> None:
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._log = log
        self._timing = timing
        self._owner_of = owner_of
        self._next = float("-inf")
        self._pages = 0

    def write(self, end: float) -> None:
        """Write the lines if the last ones are old enough; count nothing any more after `end` (monotonic).

        Raises:
            StorageUnavailable: A table cannot be read; the next tick tries again.
        """
        if self._timing.clock() < self._next:
            return
        everything, routes = self._count(end)
        now = self._timing.now()
        if not routes:
            routes = {None: RouteState(hold=_hold(everything))}
        for route, state in routes.items():
            self._log.info(
                "outbox.state",
                rows=state.rows,
                oldest_seconds=_age(state.oldest, now),
                told_rows=state.told_rows,
                told_oldest_seconds=_age(state.told_oldest, now),
                dead=state.dead,
                route=route,
                hold=state.hold or None,
                owner=self._owner_of(route or "") or None,
            )
        self._next = self._timing.clock() + self._timing.report_seconds

    def _count(self, end: float) -> tuple[LaneState | None, dict[str | None, RouteState]]:
        self._pages = 0

        def may_go_on() -> bool:
            self._pages += 1
            return self._pages <= _MOST_PAGES and self._timing.clock() < end

        everything: LaneState | None = None
        routes: dict[str | None, RouteState] = defaultdict(RouteState)
        for lane in self._outbox.all_lanes(may_go_on):
            # Its partition sorts before all others.
            if lane.partition == EVERYTHING.key:
                everything = lane.state
            elif lane.rows:
                routes[lane.route_id].add(lane, everything)
        for route_id, count in self._dead_letters.counts(may_go_on):
            routes[route_id].dead += count
        return everything, routes


def _hold(*of: LaneState | None) -> str:
    """Return the code of the first hold; a person's counts before the app's own."""
    states = [state for state in of if state]
    if any(state.person for state in states):
        return _PERSON
    if any(state.moving_since for state in states):
        return "moving"
    return next((state.hold.reason for state in states if state.hold), "")


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((moment for moment in (one, other) if moment), default=None)


def _age(moment: datetime | None, now: datetime) -> int | None:
    return max(0, int((now - moment).total_seconds())) if moment else None
