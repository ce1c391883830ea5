"""The circuit breaker: five failures in a row open it, one probe each 30 s, one answer closes it."""

import pytest

from shared.delivery.circuit_breaker import CircuitBreaker, airflow_breaker, credentials_breaker
from shared.event_log import EventLog
from shared.model.errors import (
    AirflowDown,
    AirflowUnclear,
    AirflowUnreachable,
    AtCapacity,
    BlobToDagError,
    CredentialsRefused,
    DagMissing,
    NotAirflow,
    RunRefused,
)
from tests.support.fakes import FakeClock


def _call(breaker: CircuitBreaker, error: BlobToDagError | None = None) -> str:
    def attempt() -> str:
        if error:
            raise error
        return "answer"

    try:
        return breaker.call(attempt)
    except BlobToDagError as raised:
        return raised.code


@pytest.mark.parametrize("error", [AirflowUnclear("500"), AirflowUnreachable("no"), NotAirflow("page")])
def test_breaker_opens_after_five_failures_in_a_row(error: BlobToDagError) -> None:
    """Then nothing is sent any more."""
    log, clock = EventLog(), FakeClock()
    breaker = airflow_breaker(log, clock.timing)

    codes = [_call(breaker, error) for _ in range(7)]

    assert codes == [error.code] * 5 + ["airflow_down"] * 2
    assert log.counts == {"breaker.open": 1}
    assert breaker.seconds_until_probe() == 30


@pytest.mark.parametrize("proof", [None, DagMissing("x"), RunRefused("x"), CredentialsRefused("x")])
def test_any_answer_of_airflow_starts_the_count_anew(proof: BlobToDagError | None) -> None:
    """A refusal of one DAG is an answer."""
    breaker = airflow_breaker(EventLog(), FakeClock().timing)

    for _ in range(3):
        for _ in range(4):
            _call(breaker, AirflowUnclear("500"))
        _call(breaker, proof)

    assert not breaker.is_open


def test_error_that_says_nothing_about_airflow_leaves_the_count() -> None:
    """Nothing was sent, so nothing was learnt."""
    breaker = airflow_breaker(EventLog(), FakeClock().timing)

    for _ in range(5):
        _call(breaker, AtCapacity("x"))
        _call(breaker, AirflowUnclear("500"))

    assert breaker.is_open


def test_open_breaker_lets_one_probe_through_every_thirty_seconds() -> None:
    """A down Airflow sees that, and no more."""
    clock = FakeClock()
    breaker = airflow_breaker(EventLog(), clock.timing)
    sent = 0
    for second in range(300):
        clock.now = 1_000.0 + second
        for _ in range(10):
            sent += _call(breaker, AirflowUnreachable("down")) == "airflow_unreachable"

    assert sent == 5 + 9


def test_probe_that_succeeds_closes_it() -> None:
    """Everything flows again, at once."""
    log, clock = EventLog(), FakeClock()
    breaker = airflow_breaker(log, clock.timing)
    for _ in range(5):
        _call(breaker, AirflowUnreachable("down"))
    clock.now += 30

    assert [_call(breaker), _call(breaker)] == ["answer", "answer"]
    assert log.counts == {"breaker.open": 1, "breaker.closed": 1}
    assert breaker.seconds_until_probe() == 0


def test_refused_credentials_open_a_breaker_of_their_own_at_once() -> None:
    """A wrong password, tried again and again, gets the account locked."""
    clock = FakeClock()
    breaker = credentials_breaker(EventLog(), clock.timing)

    assert [_call(breaker, CredentialsRefused("no")), _call(breaker)] == [
        "credentials_refused",
        "airflow_down",
    ]

    clock.now += 60

    assert _call(breaker) == "answer"


def test_unreachable_airflow_says_nothing_about_credentials() -> None:
    """Two breakers, two questions."""
    breaker = credentials_breaker(EventLog(), FakeClock().timing)

    for _ in range(9):
        _call(breaker, AirflowUnreachable("down"))

    assert not breaker.is_open


def test_held_back_call_says_why() -> None:
    """The message of the last failure is in it."""
    breaker = credentials_breaker(EventLog(), FakeClock().timing)
    _call(breaker, CredentialsRefused("wrong password"))

    with pytest.raises(AirflowDown, match="wrong password"):
        breaker.call(lambda: None)
