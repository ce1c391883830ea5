"""The pause between two polls of a queue: short after work, growing at random without."""

import random
from collections.abc import Callable

# NET-C/SDK RandomizedExponentialBackoffStrategy: each step is off by up to a fifth.
_SPREAD = 0.2
_MAX_EXPONENT = 32


class Backoff:
    """Pauses in seconds, from `minimum` to `maximum`."""

    def __init__(
        self, *, minimum: float, maximum: float, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._minimum = minimum
        self._maximum = max(minimum, maximum)
        self._uniform = uniform
        self._exponent = 0

    def reset(self) -> None:
        """Go back to the shortest pause, as after a poll that found a message."""
        self._exponent = 0

    def next(self) -> float:
        """Return the pause after one more poll that found nothing."""
        growth = self._minimum * (2.0**self._exponent - 1) * self._uniform(1 - _SPREAD, 1 + _SPREAD)
        self._exponent = min(self._exponent + 1, _MAX_EXPONENT)
        return min(self._minimum + growth, self._maximum)
