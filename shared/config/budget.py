"""How long a delivery and an invocation may take, so that the platform never kills one."""

from shared.config.settings import Settings
from shared.timing import Timing

FUNCTION_TIMEOUT_SECONDS = 300.0
"""`functionTimeout` in host.json: then the platform kills the worker, and all that it has in work."""

_CONNECTS = 3
_USUAL_REQUESTS = 2
_ROW_RETRY_SECONDS = 3.0
"""How long a drain tries one row again (`shared.assembly`)."""

_STORAGE_SECONDS = 20.0
"""For the last requests to storage: a hold is written, rows are deleted."""


def request_seconds(settings: Settings) -> float:
    """Return how long one request may take: DNS, connection and TLS handshake, then the response."""
    return _connects(settings) + settings.airflow_read_timeout_seconds


def invocation_seconds(settings: Settings, timing: Timing | None = None) -> float:
    """Return how long an invocation may begin requests to Airflow, counted from its own beginning.

    Then its row may be hard to write, and it may still be draining. A request that begins at the limit takes
    as long as it takes to connect.
    """
    timing = timing or Timing()
    ends = timing.park_seconds + timing.live_drain_seconds + _STORAGE_SECONDS
    return FUNCTION_TIMEOUT_SECONDS - ends - _connects(settings)


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
    its last row at the end of its own. Either waits for a permit.
    """
    retry = settings.airflow_retry_budget_seconds
    begins = max(timing.live_seconds + retry, timing.dispatch_seconds + _ROW_RETRY_SECONDS)
    return invocation_seconds(settings, timing) - begins - retry


def _connects(settings: Settings) -> float:
    return _CONNECTS * settings.airflow_connect_timeout_seconds
