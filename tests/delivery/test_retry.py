"""Quick retries grow, are jittered, listen to the server and end within their budget."""

import pytest

from shared.delivery.retry import Retrier
from shared.model.errors import AirflowBusy, AirflowUnclear, DagMissing, RunRefused


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.waits.append(seconds)
        self.now += seconds


def test_first_success_ends_it() -> None:
    """Its result is the result."""
    time = Time()
    outcomes = iter([AirflowUnclear("a"), AirflowUnclear("b"), "done"])

    def attempt() -> str:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    assert Retrier(budget_seconds=60, clock=time, sleep=time.sleep)(attempt) == "done"
    assert len(time.waits) == 2


@pytest.mark.parametrize("error", [DagMissing("x"), RunRefused("x"), ValueError("x")])
def test_what_seconds_do_not_mend_is_not_repeated(error: Exception) -> None:
    """The last error is raised as it is."""
    time = Time()

    def attempt() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        Retrier(budget_seconds=60, clock=time, sleep=time.sleep)(attempt)
    assert caught.value is error
    assert time.waits == []


def test_budget_bounds_all_waits_together() -> None:
    """No wait begins that would end after it."""
    time = Time()

    def attempt() -> None:
        msg = "down"
        raise AirflowUnclear(msg)

    with pytest.raises(AirflowUnclear):
        Retrier(budget_seconds=20, clock=time, sleep=time.sleep)(attempt)
    assert 0 < sum(time.waits) <= 20
    assert max(time.waits) <= 8


def test_server_that_asks_for_a_wait_gets_it() -> None:
    """`Retry-After` is the least; more than the budget ends it at once."""
    time = Time()
    asked = iter([3.0, 100.0])

    def attempt() -> None:
        msg = "busy"
        raise AirflowBusy(msg, retry_after_seconds=next(asked))

    with pytest.raises(AirflowBusy) as caught:
        Retrier(budget_seconds=20, clock=time, sleep=time.sleep)(attempt)
    assert caught.value.retry_after_seconds == 100.0
    assert len(time.waits) == 1
    assert time.waits[0] >= 3.0
