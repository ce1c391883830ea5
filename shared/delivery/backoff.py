"""How long an event waits that failed by itself, until it is tried again."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from shared.model.errors import RetryableError
from shared.model.hold import LONGEST_WAIT

_JITTER = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Growing delays with jitter.

    Attributes:
        first: The first delay.
        longest: What it grows to.
        uniform: Returns a number from 0 to 1.
    """

    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(minutes=5)
    uniform: Callable[[], float] = random.random

    def after(self, error: RetryableError, *, failures: int) -> timedelta:
        """Return the delay after the `failures`-th failure for this reason; `Retry-After` is the least."""
        grown = min(self.first * 2.0 ** min(failures - 1, 32), self.longest)
        # Downwards only: the limit stays a limit, and what failed together comes back spread out.
        delay = grown * (1 - _JITTER * self.uniform())
        asked = timedelta(seconds=min(error.retry_after_seconds or 0.0, LONGEST_WAIT.total_seconds()))
        return max(delay, asked)
