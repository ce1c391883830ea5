"""`Pace`: how fast the dispatcher may send, by caps for all runs and for those of one route."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from shared.model.errors import RateLimited
from shared.model.run_request import RunRequest

_LOOK_AGAIN_SECONDS = 10.0
"""How long to wait where too many runs wait in Airflow: they leave one by one as workers get free."""


class CountsRuns(Protocol):
    """Counts runs that wait for a worker; see `Gate.waiting_runs`."""

    def waiting_runs(self, dag_id: str | None = None) -> int:
        """Count them, of one DAG or of all; those of paused DAGs apart."""


class Limit(Protocol):
    """One cap."""

    def seconds_for_refused(self) -> float:
        """Give how long one more run that was refused is to wait: each gets a time of its own."""

    def available(self) -> int:
        """Give how many runs may be sent now."""

    def seconds_until_next(self) -> float:
        """Give how long to wait before looking again; 0 where one may be sent."""

    def take(self) -> None:
        """Count one run as sent."""


class Rate:
    """So many runs a minute, evenly spaced and none saved up, so that no minute ever sees more."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._interval_seconds = 60 / per_minute
        self._clock = clock
        # The first one waits, too: whoever sent before us may have sent just now.
        self._next = clock() + self._interval_seconds
        self._promised = 0.0

    def available(self) -> int:
        """See `Limit`."""
        return int(self.seconds_until_next() == 0)

    def seconds_until_next(self) -> float:
        """See `Limit`."""
        return max(0.0, self._next - self._clock())

    def seconds_for_refused(self) -> float:
        """See `Limit`."""
        now = self._clock()
        self._promised = (
            max(self._promised, self._next - self._interval_seconds, now) + self._interval_seconds
        )
        return self._promised - now

    def take(self) -> None:
        """See `Limit`."""
        self._next = self._clock() + self._interval_seconds


class Room:
    """So many runs waiting in Airflow: counted there, and again after a while; in between we count along."""

    def __init__(self, most: int, count: Callable[[], int], clock: Callable[[], float]) -> None:
        self._most = most
        self._count = count
        self._clock = clock
        self._free = 0
        self._refused = 0
        self._next_look = clock()

    def available(self) -> int:
        """See `Limit`; raises RetryableError where Airflow cannot be asked."""
        if self._clock() >= self._next_look:
            # Set before the question: one that fails is not put again at once.
            self._next_look = self._clock() + _LOOK_AGAIN_SECONDS
            self._free = self._refused = 0
            self._free = max(0, self._most - self._count())
        return self._free

    def seconds_until_next(self) -> float:
        """See `Limit`."""
        return 0.0 if self.available() else max(0.0, self._next_look - self._clock())

    def seconds_for_refused(self) -> float:
        """See `Limit`: as many as there could be room for are to come at each look."""
        self._refused += 1
        return max(1.0, self._next_look - self._clock()) + _LOOK_AGAIN_SECONDS * (self._refused // self._most)

    def take(self) -> None:
        """See `Limit`."""
        self._free -= 1


class Pace:
    """The caps, together.

    Args:
        airflow: Counts the runs that wait.
        max_runs_per_minute: For all runs; None for no such cap.
        max_queued_runs: For all runs; None for no such cap.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        airflow: CountsRuns,
        *,
        max_runs_per_minute: int | None,
        max_queued_runs: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._airflow = airflow
        self._clock = clock
        self._lock = threading.Lock()
        self._for_all = self._limits(max_runs_per_minute, max_queued_runs, dag_id=None)
        self._by_route: dict[str, list[Limit]] = {}

    def turns(self, most: int) -> int:
        """Give how many runs may be sent now, `most` at the most, by the caps for all."""
        with self._lock:
            return min([most, *(limit.available() for limit in self._for_all)])

    def seconds_until_turn(self) -> float:
        """Give how long the caps for all hold everything back."""
        with self._lock:
            return max([0.0, *(limit.seconds_until_next() for limit in self._for_all)])

    def admit(self, run: RunRequest) -> None:
        """Count the run as sent, or hold it back.

        Raises:
            RateLimited: A cap is reached; it says when to come again.
            RetryableError: Airflow cannot be asked how many runs wait.
        """
        with self._lock:
            limits = [*self._for_all, *self._limits_of(run)]
            full = [limit for limit in limits if limit.seconds_until_next() > 0]
            if full:
                msg = f"A cap on runs is reached; route {run.route!a} waits for its turn."
                raise RateLimited(msg, retry_after_seconds=max(limit.seconds_for_refused() for limit in full))
            for limit in limits:
                limit.take()

    def _limits_of(self, run: RunRequest) -> list[Limit]:
        if run.route not in self._by_route:
            self._by_route[run.route] = self._limits(
                run.max_runs_per_minute, run.max_queued_runs, dag_id=run.dag_id
            )
        return self._by_route[run.route]

    def _limits(self, per_minute: int | None, queued: int | None, *, dag_id: str | None) -> list[Limit]:
        limits: list[Limit] = []
        if per_minute is not None:
            limits.append(Rate(per_minute, self._clock))
        if queued is not None:
            limits.append(Room(queued, lambda: self._airflow.waiting_runs(dag_id), self._clock))
        return limits
