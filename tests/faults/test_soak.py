"""The short form of `make soak`."""

import time

import pytest

from tests.faults.soak import soak

pytestmark = pytest.mark.stack


@pytest.mark.fault("soak: ten deliveries of each version, 30 % faults", airflow="stand-in, SQLite keys")
def test_runs_are_versions_whatever_fails() -> None:
    """Ten deliveries of each version in any order, three calls of ten failing: one run each."""
    seed = time.time_ns() % 10**6
    print(f"seed {seed}")  # noqa: T201  (shown by pytest when the test fails)

    counted = soak(versions=200, deliveries=2_000, seed=seed, seconds=90)

    assert counted["runs"] == counted["versions"]
    assert counted["attempts"] > counted["versions"]
