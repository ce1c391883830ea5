"""How long a parked event waits before it is tried again."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from shared.errors import Paced, TryAgain

_LONGEST_ASKED_SECONDS = 24 * 3600.0
"""A queue hides a message for seven days at most; a server that asks for more than a day is not believed."""

_JITTER = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Growing, jittered delays.

    Attributes:
        least_seconds: The first delay.
        most_seconds: What it grows to.
        uniform: Gives a number from 0 to 1.
    """

    least_seconds: float
    most_seconds: float
    uniform: Callable[[], float] = random.random

    def after(self, error: TryAgain, *, failures: int) -> int:
        """Give the seconds to wait after the delivery failed for the `failures`-th time for this reason.

        An outage says nothing about the event: it waits the least, so that it flows as soon as the outage is
        over, and the circuit breaker keeps Airflow from being asked by each of them. Anything else doubles.
        What the server asked for (`Retry-After`) is the least.
        """
        asked = min(error.retry_after_seconds or 0.0, _LONGEST_ASKED_SECONDS)
        if isinstance(error, Paced):
            return max(1, math.ceil(asked))  # nothing is wrong: it waits for its turn, not for better times
        doublings = 0 if error.is_outage else min(failures - 1, 32)
        seconds = min(self.least_seconds * 2.0**doublings, self.most_seconds)
        # Downwards only: the limits stay limits, and what failed together comes back spread out.
        seconds *= 1 - _JITTER * self.uniform()
        return max(1, math.floor(max(seconds, asked)))
