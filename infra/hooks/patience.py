"""`Patience`: growing waits, up to a deadline."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.hooks.azure_cli import HookError

TOTAL_SECONDS = 900.0
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 60.0
THROTTLED_WAIT_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class Patience:
    """Growing waits, up to a deadline.

    Attributes:
        total: Seconds until the deadline.
        wait: Seconds of the next wait; doubles up to a minute.
        hint: What else the person may look at when it gives up.
        sleep: Sleep for a number of seconds.
        clock: Return monotonic seconds.
    """

    total: float = TOTAL_SECONDS
    wait: float = FIRST_WAIT_SECONDS
    hint: str = ""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    _first: float = field(init=False)
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._first = self.wait
        self._end = self.clock() + self.total

    def start_over(self) -> None:
        """Start a new step with short waits; keep the deadline."""
        self.wait = self._first

    def pause(self, reason: str, *, throttled: bool = False) -> None:
        """Wait before the next attempt; raise HookError with the reason if no time is left."""
        least = min(THROTTLED_WAIT_SECONDS, self._first * 6) if throttled else 0.0
        seconds = max(self.wait, least)
        if self.clock() + seconds > self._end:
            msg = f"Gave up after {self.total:g} s: {reason}. {self.hint}"
            raise HookError(msg)
        self.sleep(seconds)
        self.wait = min(self.wait * 2, LONGEST_WAIT_SECONDS)
