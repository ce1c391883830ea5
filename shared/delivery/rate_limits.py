"""The caps on runs: so many a minute, and so many that wait in Airflow."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from shared.model.run_request import RunRequest

COUNT_SECONDS = 10.0
"""How long a count of waiting runs holds; in between the app estimates."""

_SLACK = timedelta(seconds=0.2)
"""A permit that was not taken is kept so long: a loop that wakes up late loses no pace."""

GLOBAL = "*"


class RateLimiter:
    """So many runs a minute, evenly spaced.

    Args:
        per_minute: The cap.
        next_free: When the next run may go; it is handed from one drain to the next.
    """

    def __init__(self, per_minute: int, next_free: datetime) -> None:
        self._interval = timedelta(minutes=1) / per_minute
        self.next_free = next_free

    def take(self, now: datetime) -> None:
        """Count one run."""
        self.next_free = max(self.next_free, now - _SLACK) + self._interval


class QueuedRunsLimit(msgspec.Struct, kw_only=True):
    """So many runs waiting in Airflow: counted there every ten seconds, estimated in between.

    Attributes:
        most: The cap.
        dag_id: Of the runs that count; None for all.
        free: How many more may be sent until the next count.
        count_at: When to count, in monotonic seconds.
        is_counting: Whether a count is under way.
        sent: How many may be missing in the count that is under way.
    """

    most: int
    dag_id: str | None
    free: int = 0
    count_at: float = float("-inf")
    is_counting: bool = False
    sent: int = 0

    def begin(self, *, in_flight: int, clock: float) -> None:
        """Note that a count begins, which what is in flight may miss."""
        self.is_counting = True
        self.sent = in_flight
        self.count_at = clock + COUNT_SECONDS

    def take(self) -> None:
        """Note that a run is sent."""
        self.free -= 1
        self.sent += 1

    def counted(self, waiting: int) -> None:
        """Note how many runs waited."""
        self.is_counting = False
        self.free = max(0, self.most - waiting - self.sent)


class Caps:
    """All caps, those for all runs and those of each route. Not for several threads.

    Args:
        max_runs_per_minute: For all runs; None for no such cap.
        max_queued_runs: For all runs; None for no such cap.
        next_free: What the last drain left; a cap that is new lets its first run wait, for who sent before
            may have sent just now.
        now: The time, aware.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        max_runs_per_minute: int | None,
        max_queued_runs: int | None,
        next_free: dict[str, datetime],
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._per_minute = max_runs_per_minute
        self._queued = max_queued_runs
        self._left = next_free
        self._now = now
        self._clock = clock
        self._rates: dict[str, RateLimiter] = {}
        self._queues: dict[str, QueuedRunsLimit] = {}

    def wait_for(self, run: RunRequest) -> timedelta:
        """Return how long the run has to wait; zero where it may go now."""
        now = self._now()
        waits = [rate.next_free - now for rate in self._rates_of(run)]
        for queue in self._queues_of(run):
            if queue.free <= 0:
                left = 0.1 if queue.is_counting else max(0.0, queue.count_at - self._clock())
                waits.append(timedelta(seconds=max(left, 0.1)))
        return max([timedelta(0), *waits])

    def take(self, run: RunRequest) -> None:
        """Count the run as sent."""
        for rate in self._rates_of(run):
            rate.take(self._now())
        for queue in self._queues_of(run):
            queue.take()

    def due_counts(self, run: RunRequest) -> list[QueuedRunsLimit]:
        """Return the limits of a run whose runs must be counted now.

        Every ten seconds, also while more may be sent: others may have filled Airflow.
        """
        now = self._clock()
        return [queue for queue in self._queues_of(run) if not queue.is_counting and now >= queue.count_at]

    @property
    def next_free(self) -> dict[str, datetime]:
        """When each rate lets the next run through, for the next drain."""
        return {**self._left, **{name: rate.next_free for name, rate in self._rates.items()}}

    def _rates_of(self, run: RunRequest) -> list[RateLimiter]:
        caps = ((GLOBAL, self._per_minute), (run.route_id, run.max_runs_per_minute))
        return [self._rate(name, cap) for name, cap in caps if cap is not None]

    def _rate(self, name: str, per_minute: int) -> RateLimiter:
        if name not in self._rates:
            interval = timedelta(minutes=1) / per_minute
            # A time that is further away than an interval was left by another cap, or by another clock.
            latest = self._now() + interval
            self._rates[name] = RateLimiter(per_minute, min(self._left.get(name, latest), latest))
        return self._rates[name]

    def _queues_of(self, run: RunRequest) -> list[QueuedRunsLimit]:
        caps: list[tuple[str, int | None, str | None]] = [
            (GLOBAL, self._queued, None),
            (f"{run.route_id}/{run.dag_id}", run.max_queued_runs, run.dag_id),
        ]
        found = []
        for name, cap, dag_id in caps:
            if cap is not None:
                if name not in self._queues:
                    self._queues[name] = QueuedRunsLimit(most=cap, dag_id=dag_id)
                found.append(self._queues[name])
        return found


def is_capped(run: RunRequest) -> bool:
    """Tell whether the run's route has a cap of its own."""
    return run.max_runs_per_minute is not None or run.max_queued_runs is not None
