"""The timer finds the lease taken: by a worker that was killed, or by one that drains."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.model.errors import AirflowUnreachable
from shared.storage.drain_lease import Handover
from tests.support.clock import FakeClock
from tests.support.harness import OutboxHarness, failing, well


class _TakenLease:
    """Somebody else's until a moment of the clock."""

    def __init__(self, clock: FakeClock, until: float) -> None:
        self._clock = clock
        self._until = until

    @contextmanager
    def hold(self) -> Iterator[Handover | None]:
        yield Handover() if self._clock() >= self._until else None


def _harness(*, lease_seconds: float) -> OutboxHarness:
    """Return an instance with a row that is due, and a lease that is taken for so long."""
    harness = OutboxHarness()
    harness.airflow.answer = failing(AirflowUnreachable("down"))
    harness.arrive("a.csv")
    harness.airflow.answer = well
    harness.clock.now += 30
    lease = _TakenLease(harness.clock, harness.clock() + lease_seconds)
    harness.dispatcher._lease = lease  # type: ignore[assignment]
    return harness


def test_timer_waits_for_the_lease_of_a_worker_that_was_killed() -> None:
    """It ends by itself in 15 s; the next tick would be half a minute away."""
    harness = _harness(lease_seconds=9)
    started_at = harness.clock()

    assert harness.dispatcher.drain(started_at + 120, patience_seconds=15) == 1
    assert 9 <= harness.clock() - started_at <= 11


def test_timer_leaves_the_rows_to_a_drain_that_lasts() -> None:
    """Somebody renews the lease: there is no need to wait longer than it lasts by itself."""
    harness = _harness(lease_seconds=1_000)
    started_at = harness.clock()

    assert harness.dispatcher.drain(started_at + 120, patience_seconds=15) == 0
    assert 15 <= harness.clock() - started_at <= 16


def test_live_invocation_does_not_wait_for_the_lease() -> None:
    """Whoever holds it sees the row."""
    harness = _harness(lease_seconds=9)
    started_at = harness.clock()

    assert harness.dispatcher.drain(started_at + 20) == 0
    assert harness.clock() == started_at
