"""Permits: calls in flight, and the slow start of each lane."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from shared.airflow.time_limit import time_limit
from shared.delivery.permits import Permits
from shared.model.errors import AtCapacity

AT_ONCE = 0.0


def permits(most: int = 8, patience: float = AT_ONCE) -> Permits:
    """Return permits that make nobody wait."""
    return Permits(most, patience_seconds=patience)


def _free(permits: Permits, lane: str) -> int:
    """Return how many calls of a lane may be in flight now."""
    with ExitStack() as stack:
        for count in range(100):
            try:
                stack.enter_context(permits.acquire(lane))
            except AtCapacity:
                return count
    raise AssertionError


def test_lane_starts_with_one_call() -> None:
    """Nothing is known of its DAG yet."""
    assert _free(permits(), "lane") == 1


def test_each_success_doubles_the_window_up_to_the_cap() -> None:
    """1, 2, 4, 8, and no more."""
    found = []
    gate = permits(6)
    for _ in range(5):
        found.append(_free(gate, "lane"))
        gate.widen("lane")

    assert found == [1, 2, 4, 6, 6]


def test_unclear_answer_narrows_the_window_to_one() -> None:
    """Whoever recovers, or hangs, is not run down."""
    gate = permits()
    gate.widen("lane")
    gate.widen("lane")

    gate.narrow("lane")

    assert _free(gate, "lane") == 1


def test_window_of_one_lane_leaves_the_others_alone() -> None:
    """A DAG whose calls hang holds one place."""
    gate = permits()
    gate.widen("good")

    with gate.acquire("bad"):
        assert _free(gate, "good") == 2


def test_all_lanes_together_keep_below_the_cap() -> None:
    """Whatever their windows are."""
    gate = permits(2)

    with gate.acquire("a"), gate.acquire("b"):
        assert _free(gate, "c") == 0


def test_call_that_finds_no_permit_gives_up_and_says_which_setting_it_is() -> None:
    """It waits in the outbox instead of holding a thread."""
    gate = permits(1, patience=0.01)

    with (
        gate.acquire("a"),
        pytest.raises(AtCapacity, match="AIRFLOW_MAX_CONCURRENCY=1"),
        gate.acquire("b"),
    ):
        raise AssertionError


def test_call_waits_no_longer_than_its_invocation_has_time() -> None:
    """The platform would kill it while it waits."""
    permits = Permits(1, patience_seconds=1)
    at_once = pytest.raises(AtCapacity, match="for 0 s")

    with permits.acquire("a"), time_limit(0), at_once, permits.acquire("b"):
        pass


def test_permit_is_given_back_by_a_call_that_fails() -> None:
    """Otherwise failures use up the cap."""
    gate = permits(1)

    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.acquire("a"):
            raise ZeroDivisionError

    assert _free(gate, "a") == 1


def test_waiting_call_goes_on_as_soon_as_a_permit_is_free() -> None:
    """It does not wait for its whole patience."""
    gate = permits(1, patience=30)
    entered = threading.Event()

    def call() -> None:
        with gate.acquire("b"):
            entered.set()

    with ThreadPoolExecutor(1) as pool:
        with gate.acquire("a"):
            waiting = pool.submit(call)
            assert not entered.wait(0.05)
        waiting.result(5)
    assert entered.is_set()


def test_waiting_call_goes_on_when_its_lane_is_widened() -> None:
    """A success makes room for the second call while the first is still in flight."""
    gate = permits(2, patience=30)
    entered = threading.Event()

    def call() -> None:
        with gate.acquire("a"):
            entered.set()

    with ThreadPoolExecutor(1) as pool, gate.acquire("a"):
        waiting = pool.submit(call)
        assert not entered.wait(0.05)
        gate.widen("a")
        waiting.result(5)
    assert entered.is_set()
