"""A clock that passes only when somebody sleeps, or when the test moves it."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.timing import Timing

START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


class FakeClock:
    """Monotonic seconds, and the time of day that goes with them.

    Attributes:
        now: Monotonic seconds.
        slept: The length of each sleep.
    """

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds

    def time(self) -> datetime:
        """Return the time of day."""
        return START + timedelta(seconds=self.now - 1_000.0)

    def timing(self, **changes: Any) -> Timing:
        """Return the times of the app, on this clock."""
        return replace(Timing(clock=self, sleep=self.sleep, now=self.time), **changes)
