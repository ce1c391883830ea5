"""How long a parked event waits before it is tried again."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from shared.model.errors import RetryableError, Wait

_SHORT_SECONDS = 5.0
"""So short that the dispatcher's next tick finds the event due, and it flows once the outage is over."""

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

    def after(self, error: RetryableError, *, failures: int, is_outage: bool = False) -> int:
        """Give the seconds to wait after the delivery failed for the `failures`-th time for this reason.

        See `Wait`. While a breaker is open (`is_outage`), a failure tells of Airflow, not of the event. What
        the server asked for (`Retry-After`) is the least, within the limits.
        """
        asked = error.retry_after_seconds or 0.0
        if error.wait is Wait.TURN:
            return max(1, math.ceil(min(asked, self.most_seconds)))
        wait = Wait.SHORT if is_outage and error.wait is Wait.GROWING else error.wait
        match wait:
            case Wait.SHORT:
                seconds = min(_SHORT_SECONDS, self.least_seconds)
            case Wait.STEADY:
                seconds = self.least_seconds
            case Wait.GROWING:
                seconds = min(self.least_seconds * 2.0 ** min(failures - 1, 32), self.most_seconds)
        # Downwards only: the limits stay limits, and what failed together comes back spread out.
        seconds *= 1 - _JITTER * self.uniform()
        return max(1, math.floor(max(seconds, min(asked, self.most_seconds))))
