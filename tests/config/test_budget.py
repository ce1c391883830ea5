"""Whatever the settings, an invocation ends before the platform kills it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from shared.config.budget import (
    FUNCTION_TIMEOUT_SECONDS,
    delivery_seconds,
    invocation_seconds,
    request_seconds,
)
from shared.config.checks import connection_faults
from shared.config.settings import Settings
from shared.timing import Timing
from tests.config.test_checks import GOOD

TIMES = Timing()


def settings_of(read: str, connect: str = "5", retry: str = "20") -> Settings:
    """Return settings with these times."""
    return Settings.from_env(
        {
            **GOOD,
            "AIRFLOW_READ_TIMEOUT_SECONDS": read,
            "AIRFLOW_CONNECT_TIMEOUT_SECONDS": connect,
            "AIRFLOW_RETRY_BUDGET_SECONDS": retry,
        }
    )


def faults_of(settings: Settings) -> list[str]:
    """Return the faults of the settings."""
    return connection_faults(settings, {}, reads=lambda _: True)


@pytest.mark.parametrize(
    ("read", "connect", "retry"), [("120", "5", "20"), ("30", "60", "20"), ("30", "5", "90")]
)
def test_times_that_do_not_fit_into_an_invocation_are_a_fault(read: str, connect: str, retry: str) -> None:
    """476 s would be killed at 300 s, with all that is in work."""
    [fault] = faults_of(settings_of(read, connect, retry))

    assert "killed after 300 s" in fault


@pytest.mark.parametrize(
    ("read", "connect", "retry"), [("30", "5", "20"), ("60", "5", "20"), ("90", "2", "5")]
)
def test_slowest_invocation_with_accepted_times_ends_in_time(read: str, connect: str, retry: str) -> None:
    """The last run begins late, is retried, waits, is slow; its row is hard to write, and others are due."""
    settings = settings_of(read, connect, retry)
    begins = TIMES.live_seconds + settings.airflow_retry_budget_seconds
    waits = settings.airflow_retry_budget_seconds
    after = TIMES.park_seconds + TIMES.live_drain_seconds + 3 * settings.airflow_connect_timeout_seconds

    assert faults_of(settings) == []
    assert begins + waits + delivery_seconds(settings) <= invocation_seconds(settings)
    assert invocation_seconds(settings) + after < FUNCTION_TIMEOUT_SECONDS
    assert delivery_seconds(settings) >= request_seconds(settings)


def test_budget_is_that_of_the_host() -> None:
    """One number in two files."""
    host = json.loads((Path(__file__).parents[2] / "host.json").read_text(encoding="utf-8"))
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))

    assert (
        timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds() == FUNCTION_TIMEOUT_SECONDS
    )
