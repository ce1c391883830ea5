"""`LaneState`: why a lane is on hold, by the app or by a person, and when it is tried again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.errors import OnHold, RetryableError, Scope
from shared.model.lane import EVERYTHING, Lane

FIRST_INTERVAL = timedelta(seconds=30)
LONGEST_INTERVAL = timedelta(minutes=5)
LONGEST_LOOK = timedelta(days=8)
"""A little more than a route can tell a row to wait for another blob."""

LONGEST_WAIT = timedelta(hours=1)
"""What a server's `Retry-After` can ask for at most."""

STEADY = timedelta(minutes=3)
"""So long the interval stays: most troubles end sooner, and none of those is to cost minutes afterwards."""

_EARLY = timedelta(seconds=15)
"""The timer ticks every 30 s, and a call that fails takes time: the tick that is nearest counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold by the app: it ends with the first delivery that succeeds.

    Attributes:
        reason: Code of the error.
        message: Of the error, with Airflow's own words.
        since: When the lane was held first for this reason.
        next_probe: When one delivery is tried again.
        interval: Between this probe and the one before.
        owner: Who looks after the lane's route, where it says so.
    """

    reason: str
    message: str
    since: datetime
    next_probe: datetime
    interval: timedelta
    owner: str = ""

    def is_due(self, now: datetime) -> bool:
        """Return whether a probe may be sent; a time further away than any wait is a mistake, so due."""
        return not now + _EARLY < self.next_probe <= now + LONGEST_WAIT + _EARLY


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonHold:
    """A hold by a person, for maintenance: only a person ends it."""

    who: str
    why: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """The row `!` of a lane, or of everything.

    Attributes:
        lane: Whose state it is.
        hold: By the app.
        person: By a person.
        moving_since: When the lane was marked because its route names another DAG now, or its own again.
        moving_back: Whether it names its own again, so that the lane's rows stay after all.
        next_look: When a lane whose rows were told to wait is to be looked at; None for at once.
        row_partition: Partition that it was read from; empty for a state that was not read.
        etag: Of the row; empty for a state that was not read.
    """

    lane: Lane
    hold: Hold | None = None
    person: PersonHold | None = None
    moving_since: datetime | None = None
    moving_back: bool = False
    next_look: datetime | None = None
    row_partition: str = ""
    etag: str = ""

    @property
    def partition(self) -> str:
        """Partition of its row; the columns that name the lane are for people, who may have edited them."""
        return self.row_partition or self.lane.key

    @property
    def is_held(self) -> bool:
        """Whether live calls are to be kept back."""
        return bool(self.hold or self.person or self.moving_since)

    def is_early(self, now: datetime) -> bool:
        """Whether it is too early to look; a time further away than any such wait is a mistake."""
        return bool(self.next_look and now < self.next_look <= now + LONGEST_LOOK)

    def error(self) -> OnHold:
        """Return the error that tells an event why it waits."""
        if self.person:
            return OnHold(f"Held by {self.person.who} ({self.lane}): {self.person.why}")
        if self.moving_since:
            return OnHold(f"Moving to another DAG, because the route was changed ({self.lane}).")
        return OnHold(f"On hold ({self.lane}): {self.hold.message if self.hold else ''}")

    def after(self, error: RetryableError, now: datetime, *, owner: str = "") -> "LaneState":
        """Return the state after one more failure of the lane, or of everything.

        While the reason stays, a lane's interval is 30 s for three minutes, then doubles up to 5 min; that
        of everything stays 30 s, so that an outage is over half a minute after Airflow's first answer.
        `Retry-After` is the least.
        """
        before = self.hold if self.hold and self.hold.reason == error.code else None
        interval = FIRST_INTERVAL
        if before:
            interval = before.interval
            may_grow = error.scope is not Scope.AIRFLOW and now - before.since >= STEADY
            if may_grow and before.is_due(now):
                interval = min(before.interval * 2, LONGEST_INTERVAL)
        asked = timedelta(seconds=min(error.retry_after_seconds or 0.0, LONGEST_WAIT.total_seconds()))
        if asked > interval - _EARLY:
            asked += _EARLY  # what a server asks for is not cut short
        hold = Hold(
            reason=error.code,
            message=str(error),
            since=before.since if before else now,
            next_probe=now + max(interval, asked),
            interval=interval,
            owner=owner,
        )
        return replace(self, hold=hold)


def lane_of(error: RetryableError, lane: Lane) -> Lane | None:
    """Return what a failure puts on hold: everything, the lane, or nothing."""
    match error.scope:
        case Scope.AIRFLOW:
            return EVERYTHING
        case Scope.LANE:
            return lane
    return None
