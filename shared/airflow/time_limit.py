"""`time_limit`: one limit for all requests of an operation, or of a whole invocation."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_END: ContextVar[float | None] = ContextVar("end", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit the requests that this thread sends in the block; of several limits the first to end counts."""
    end, outer = time.monotonic() + seconds, _END.get()
    token = _END.set(end if outer is None else min(end, outer))
    try:
        yield
    finally:
        _END.reset(token)


def seconds_left() -> float:
    """Return how much of the limit is left; infinity where there is none."""
    end = _END.get()
    return float("inf") if end is None else end - time.monotonic()
