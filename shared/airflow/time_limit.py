"""`time_limit`: one limit for all requests of an operation, log-in and look-up included."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_END: ContextVar[float | None] = ContextVar("end", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit the requests that this thread sends in the block; the outermost limit counts."""
    if _END.get() is not None:
        yield
        return
    token = _END.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _END.reset(token)


def seconds_left() -> float:
    """Return how much of the limit is left; infinity where there is none."""
    end = _END.get()
    return float("inf") if end is None else end - time.monotonic()
