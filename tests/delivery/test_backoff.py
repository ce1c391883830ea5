"""How long a parked event waits."""

import pytest

from shared.delivery.backoff import Delays
from shared.model.errors import (
    AirflowBusy,
    AirflowUnclear,
    AirflowUnreachable,
    DagMissing,
    RateLimited,
    StorageUnavailable,
    RetryableError,
)

DELAYS = Delays(least_seconds=30, most_seconds=3_600, uniform=lambda: 0.0)


@pytest.mark.parametrize(
    ("error", "failures", "seconds"),
    [
        (AirflowUnclear("x"), 1, 30),
        (AirflowUnclear("x"), 2, 60),
        (DagMissing("x"), 8, 3_600),
        (DagMissing("x"), 10_000, 3_600),
        (AirflowUnreachable("x"), 1, 5),
        (AirflowUnreachable("x"), 10_000, 5),
        (StorageUnavailable("x"), 10_000, 30),
        (AirflowBusy("x", retry_after_seconds=90), 1, 90),
        (AirflowBusy("x", retry_after_seconds=5), 1, 30),
        (AirflowBusy("x", retry_after_seconds=10**9), 1, 3_600),
        (RateLimited("x"), 5, 1),
        (RateLimited("x", retry_after_seconds=2.5), 5, 3),
    ],
)
def test_delay_fits_what_happened(error: RetryableError, failures: int, seconds: int) -> None:
    """Doubling for what concerns the event, flat for an outage, no less than the server asked for."""
    assert DELAYS.after(error, failures=failures) == seconds


def test_jitter_shortens_by_a_fifth_at_most() -> None:
    """What failed together comes back spread out, and the limits stay limits."""
    shortest = Delays(least_seconds=30, most_seconds=3_600, uniform=lambda: 1.0)

    assert shortest.after(AirflowUnclear("x"), failures=1) == 24
    assert {
        Delays(least_seconds=30, most_seconds=3_600).after(AirflowUnclear("x"), failures=1) for _ in range(99)
    } <= set(range(24, 31))


def test_event_that_fails_while_a_breaker_is_open_waits_for_the_outage_only() -> None:
    """The failure tells of Airflow, not of the event."""
    assert DELAYS.after(AirflowUnclear("x"), failures=9, is_outage=True) == 5
    assert DELAYS.after(StorageUnavailable("x"), failures=9, is_outage=True) == 30
