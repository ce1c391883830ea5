"""`ask_twice`: one hiccup is not an outage."""

import random
import time
from collections.abc import Callable

from shared.airflow.time_limit import seconds_left
from shared.model.errors import AirflowUnclear, AirflowUnreachable

PAUSES_SECONDS = (0.2, 0.6)
"""Shortest and longest: not all threads ask again at the same moment."""

_QUICK_SECONDS = 2.0


def ask_twice[T](
    ask: Callable[[], T],
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Ask a question, and once more after a moment if there was no answer, and that was known quickly.

    A question changes nothing, so asking again is safe. A server that lets the caller wait, or asks for a
    longer pause, is not asked again.
    """
    started = clock()
    try:
        return ask()
    except (AirflowUnclear, AirflowUnreachable) as error:
        jitter = random.uniform(*PAUSES_SECONDS)  # noqa: S311  (no secret)
        pause = max(jitter, error.retry_after_seconds or 0.0)
        if clock() - started + pause > _QUICK_SECONDS or pause > seconds_left():
            raise
    sleep(pause)
    return ask()
