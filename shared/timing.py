"""`Timing`: the times that nobody has to set, and the clock that they are read from."""

import time
from collections.abc import Callable
from dataclasses import dataclass

KEY_VAULT_CACHE_SECONDS = 300.0
"""How long the secret is taken as current."""

CREDENTIAL_REFUSAL_PAUSE_SECONDS = 30.0
"""How often at most a rejection makes the app read the secret or log in again."""

PARK_MIN_DELAY_SECONDS = 30.0
PARK_MAX_DELAY_SECONDS = 3_600.0
"""How long an event waits after its first failure, and what that grows to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times that hold in Azure as they are; tests make them short.

    Attributes:
        dispatch_seconds: How long one dispatcher goes on taking messages: well before functionTimeout.
        visibility_seconds: How long a parked message is the dispatcher's: no delivery takes longer, with all
            its time-outs.
        collector_visibility_seconds: How long a message of a poison queue is ours while it is moved.
        airflow_probe_seconds: How often an Airflow that is down is asked.
        log_in_probe_seconds: How often a log-in that was refused is tried.
        clock: Monotonic seconds.
        sleep: Waits for the given seconds.
    """

    dispatch_seconds: float = 120.0
    visibility_seconds: int = 300
    collector_visibility_seconds: int = 60
    airflow_probe_seconds: float = 30.0
    log_in_probe_seconds: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
