"""`delivery_seconds`: how long one delivery may take, so that the platform never kills an invocation."""

from shared.config.settings import Settings
from shared.timing import Timing

FUNCTION_TIMEOUT_SECONDS = 300.0
"""`functionTimeout` in host.json: then the platform kills the worker, and all that it has in work."""

_CONNECTS = 3
_USUAL_REQUESTS = 2
_ROW_RETRY_SECONDS = 3.0
"""How long a drain tries one row again (`shared.wiring`)."""


def request_seconds(settings: Settings) -> float:
    """Return how long one request may take: DNS, connection and TLS handshake, then the response."""
    return _connects(settings) + settings.airflow_read_timeout_seconds


def delivery_seconds(settings: Settings, timing: Timing | None = None) -> float:
    """Return the limit of one delivery: two slow requests (one is a log-in, say), or what time there is."""
    return min(_USUAL_REQUESTS * request_seconds(settings), _room(settings, timing or Timing()))


def budget_faults(settings: Settings, timing: Timing | None = None) -> list[str]:
    """Return a fault if there is no time for the last request of the slowest invocation."""
    room, needed = _room(settings, timing or Timing()), request_seconds(settings)
    if needed <= room:
        return []
    return [
        (
            f"An invocation could last {needed - room:.0f} s too long: it is killed after "
            f"{FUNCTION_TIMEOUT_SECONDS:.0f} s. Lower AIRFLOW_READ_TIMEOUT_SECONDS, "
            "AIRFLOW_CONNECT_TIMEOUT_SECONDS or AIRFLOW_RETRY_BUDGET_SECONDS."
        )
    ]


def _room(settings: Settings, timing: Timing) -> float:
    """Return what the slowest invocation has left for its last delivery.

    A live one begins its last run at the end of its time and retries it for a while; the dispatcher begins
    its last row at the end of its own. Either waits for a permit, and then its row may be hard to write. A
    request that begins at the limit takes as long as it takes to connect.
    """
    retry = settings.airflow_retry_budget_seconds
    begins = max(timing.live_seconds + retry, timing.dispatch_seconds + _ROW_RETRY_SECONDS)
    return FUNCTION_TIMEOUT_SECONDS - begins - retry - timing.park_seconds - _connects(settings)


def _connects(settings: Settings) -> float:
    return _CONNECTS * settings.airflow_connect_timeout_seconds
