"""`Permits`: how many calls to Airflow may be in flight, in this instance and for each lane."""

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from shared.airflow.time_limit import seconds_left
from shared.model.errors import AtCapacity


class Permits:
    """A cap on calls in flight, and a slow start for each lane.

    A lane has one call in flight until the first success, then twice as many with each success, up to the
    cap; one again after an unclear answer. So a recovering Airflow meets no stampede, and a DAG whose calls
    hang holds one place.

    Args:
        most: Calls in flight at once, for this instance.
        patience_seconds: How long a call waits for a permit.
    """

    def __init__(self, most: int, *, patience_seconds: float) -> None:
        self.most = most
        self._patience_seconds = patience_seconds
        self._condition = threading.Condition()
        self._windows: dict[Hashable, int] = {}
        self._in_flight: dict[Hashable, int] = {}
        self._total = 0

    def window(self, lane: Hashable) -> int:
        """Return how many calls of a lane may be in flight."""
        return self._windows.get(lane, 1)

    @contextmanager
    def acquire(self, lane: Hashable) -> Iterator[None]:
        """Hold a permit for one call.

        Raises:
            AtCapacity: None became free in time.
        """
        patience = min(self._patience_seconds, max(0.0, seconds_left()))
        with self._condition:
            if not self._condition.wait_for(lambda: self._is_free(lane), patience):
                msg = (
                    f"{self._total} calls to Airflow were in progress for {patience:g} s "
                    f"(AIRFLOW_MAX_CONCURRENCY={self.most})."
                )
                raise AtCapacity(msg)
            self._total += 1
            self._in_flight[lane] = self._in_flight.get(lane, 0) + 1
        try:
            yield
        finally:
            with self._condition:
                self._total -= 1
                self._in_flight[lane] -= 1
                if not self._in_flight[lane]:
                    del self._in_flight[lane]
                self._condition.notify_all()

    def widen(self, lane: Hashable) -> None:
        """Let the lane have twice as many calls in flight: one of them succeeded."""
        with self._condition:
            self._windows[lane] = min(self.most, self.window(lane) * 2)
            self._condition.notify_all()

    def narrow(self, lane: Hashable) -> None:
        """Let the lane have one call in flight: what came of the last one is unclear."""
        with self._condition:
            self._windows.pop(lane, None)

    def _is_free(self, lane: Hashable) -> bool:
        return self._total < self.most and self._in_flight.get(lane, 0) < self.window(lane)
