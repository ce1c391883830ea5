"""How long an event waits that failed by itself, until it is tried again."""

import random
from collections.abc import Callable
from datetime import timedelta

import msgspec

from shared.model.errors import RetryableError
from shared.model.hold import LONGEST_WAIT

_JITTER = 0.2
_STEADY_FAILURES = 6
"""So often the first delay is kept: what fails while a gateway is in trouble must not pay for it later."""


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Growing delays with jitter.

    Attributes:
        first: The first delays: less than a tick, so that the next tick finds most of those rows due.
        longest: What it grows to.
        uniform: Returns a number from 0 to 1.
    """

    first: timedelta = timedelta(seconds=20)
    longest: timedelta = timedelta(minutes=5)
    uniform: Callable[[], float] = random.random

    def after(self, error: RetryableError, *, failures: int) -> timedelta:
        """Return the delay after the `failures`-th failure for this reason; `Retry-After` is the least."""
        grown = min(self.first * 2.0 ** min(max(0, failures - _STEADY_FAILURES), 32), self.longest)
        # Downwards only: the limit stays a limit, and what failed together comes back spread out.
        delay = grown * (1 - _JITTER * self.uniform())
        asked = timedelta(seconds=min(error.retry_after_seconds or 0.0, LONGEST_WAIT.total_seconds()))
        return max(delay, asked)
