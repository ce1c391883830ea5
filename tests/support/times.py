"""The app's times for fault tests: the same order of things, sooner."""

import time
from datetime import UTC, datetime, timedelta

from shared.timing import Timing

SPEED = 30
_START = datetime(2026, 1, 1, tzinfo=UTC)


def fast_now() -> datetime:
    """Return a time of day that runs thirty times as fast, the same in every process.

    Holds and delays count in it, so that half a minute is over in a second.
    """
    return _START + timedelta(seconds=(time.time() - _START.timestamp()) * SPEED)


FAST = Timing(dispatch_seconds=5, move_seconds=SPEED, redrive_visibility_seconds=1, now=fast_now)

REAL_TIME_OF_DAY = Timing(dispatch_seconds=5, redrive_visibility_seconds=1)
"""For caps, which are kept in real minutes."""

CRASH = Timing(
    dispatch_seconds=3, refresh_seconds=0.2, move_seconds=0, redrive_visibility_seconds=1, now=fast_now
)
"""For processes that are killed, and those that go on after them."""
