"""How long an event waits that failed by itself."""

from datetime import timedelta

import pytest

from shared.delivery.backoff import Backoff
from shared.model.errors import AirflowBusy, AirflowUnclear, RetryableError

BACKOFF = Backoff(uniform=lambda: 0.0)


@pytest.mark.parametrize(
    ("error", "failures", "seconds"),
    [
        (AirflowUnclear("x"), 1, 20),
        (AirflowUnclear("x"), 6, 20),
        (AirflowUnclear("x"), 7, 40),
        (AirflowUnclear("x"), 9, 160),
        (AirflowUnclear("x"), 10, 300),
        (AirflowUnclear("x"), 10_000, 300),
        (AirflowBusy("x", retry_after_seconds=5), 1, 20),
        (AirflowBusy("x", retry_after_seconds=90), 1, 90),
        (AirflowBusy("x", retry_after_seconds=10**9), 1, 3_600),
        (AirflowBusy("x", retry_after_seconds=float("inf")), 1, 3_600),
    ],
)
def test_delay_stays_for_a_while_and_doubles_then_up_to_five_minutes(
    error: RetryableError, failures: int, seconds: int
) -> None:
    """No less than the server asked for, but never more than an hour."""
    assert BACKOFF.after(error, failures=failures) == timedelta(seconds=seconds)


def test_jitter_shortens_by_a_fifth_at_most() -> None:
    """What failed together comes back spread out, and the limits stay limits."""
    shortest = Backoff(uniform=lambda: 1.0)

    assert shortest.after(AirflowUnclear("x"), failures=1) == timedelta(seconds=16)
    drawn = {Backoff().after(AirflowUnclear("x"), failures=1) for _ in range(99)}
    assert len(drawn) > 1
    assert timedelta(seconds=16) <= min(drawn) <= max(drawn) <= timedelta(seconds=20)
