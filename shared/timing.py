"""`Timing`: the times that are not settings, and the clocks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

KEY_VAULT_CACHE_SECONDS = 300.0
"""How long the secret is taken as current."""

CREDENTIAL_REFUSAL_PAUSE_SECONDS = 30.0
"""Shortest time between two reads of the secret, or two log-ins, because of rejections."""


def utc_now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The values that hold in Azure are the defaults; tests use shorter ones.

    Attributes:
        live_seconds: How long a new event may take over all of its runs; the rest waits.
        live_drain_seconds: How long a live invocation drains after its own event.
        dispatch_seconds: How long the dispatcher works, the redrive included: well before functionTimeout.
        look_seconds: How often each instance looks at the heads of all lanes.
        overdue_seconds: How long a due row may lie until a live invocation drains, for the timer may be dead.
        refresh_seconds: How often a drain looks for rows that were written meanwhile.
        report_seconds: How often the timer logs what waits, or that the app is misconfigured.
        move_seconds: How long a lane rests before its rows move to another DAG: longer than any invocation.
        park_seconds: How long a row is tried to be written before the invocation fails.
        reconcile_seconds: How long the reconciler works: before functionTimeout.
        event_seconds: How old a file is whose event should have come.
        redrive_visibility_seconds: How long a message of a poison queue is ours while it is moved.
        clock: Monotonic seconds.
        sleep: Waits for the given seconds.
        now: The time, aware.
    """

    live_seconds: float = 100.0
    live_drain_seconds: float = 20.0
    dispatch_seconds: float = 120.0
    look_seconds: float = 60.0
    overdue_seconds: float = 120.0
    refresh_seconds: float = 1.0
    report_seconds: float = 300.0
    move_seconds: float = 600.0
    park_seconds: float = 20.0
    reconcile_seconds: float = 240.0
    event_seconds: float = 900.0
    redrive_visibility_seconds: int = 60
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = utc_now
