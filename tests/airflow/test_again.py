"""A question is asked once more if its failure was quick, and if nobody asked for a longer pause."""

import time
from collections.abc import Callable

import pytest

from shared.airflow import again
from shared.airflow.again import ask_twice
from shared.airflow.time_limit import seconds_left, time_limit
from shared.model.errors import AirflowUnclear, AirflowUnreachable, CredentialsRefused, RetryableError
from tests.airflow.harness import impatient_client, run_request
from tests.support.airflow_server import AirflowServer, Exchange


def asking(*failures: RetryableError) -> tuple[Callable[[], str], list[int]]:
    """Return a question with these failures before its answer, and a list that grows with each try."""
    left, tries = list(failures), list[int]()

    def ask() -> str:
        tries.append(1)
        if left:
            raise left.pop(0)
        return "answer"

    return ask, tries


def test_hiccup_is_bridged_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment is enough for a gateway that restarts its backend."""
    monkeypatch.setattr(again, "PAUSES_SECONDS", (0.2, 0.6))
    ask, tries = asking(AirflowUnreachable("502"))
    slept: list[float] = []

    assert ask_twice(ask, sleep=slept.append) == "answer"
    assert len(tries) == 2
    assert 0.2 <= slept[0] <= 0.6


@pytest.mark.parametrize(
    "failures",
    [
        (AirflowUnreachable("1"), AirflowUnclear("2")),
        (CredentialsRefused("no"),),
        (AirflowUnreachable("busy", retry_after_seconds=30),),
    ],
)
def test_failure_that_lasts_or_that_is_an_answer_is_raised(failures: tuple[RetryableError, ...]) -> None:
    """The last one counts."""
    ask, tries = asking(*failures)

    with pytest.raises(type(failures[-1])):
        ask_twice(ask, sleep=lambda _: None)
    assert len(tries) == len(failures)


def test_slow_failure_is_not_repeated() -> None:
    """A second time-out would only hold the invocation."""
    ask, tries = asking(AirflowUnclear("time-out"))
    times = iter([0.0, 30.0])

    with pytest.raises(AirflowUnclear):
        ask_twice(ask, sleep=lambda _: None, clock=lambda: next(times))
    assert len(tries) == 1


def test_no_second_try_begins_after_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is that of the whole delivery."""
    monkeypatch.setattr(again, "PAUSES_SECONDS", (0.2, 0.6))
    ask, tries = asking(AirflowUnclear("reset"))

    with time_limit(0.01), pytest.raises(AirflowUnclear):
        ask_twice(ask)
    assert len(tries) == 1


def test_time_limit_that_ends_first_counts() -> None:
    """A log-in within a delivery gets no time of its own."""
    with time_limit(5), time_limit(500):
        assert seconds_left() <= 5
    with time_limit(500), time_limit(5):
        assert seconds_left() <= 5
    assert seconds_left() == float("inf")


def test_whole_delivery_has_one_limit(server: AirflowServer) -> None:
    """A log-in that is slow leaves less for the post; what is not sent in time is not sent at all."""

    def be_slow(exchange: Exchange) -> bool:
        time.sleep(0.3)
        return False

    server.faults.append(be_slow)
    client = impatient_client(server.base_url, AIRFLOW_API="v2")
    client._limit_seconds = 0.2
    with pytest.raises(AirflowUnreachable) as caught:
        client.trigger(run_request(dag_id="copy_file"))

    assert not caught.value.may_have_been_sent
    assert server.runs == {}
    client._limit_seconds = 0
    with pytest.raises(AirflowUnreachable, match="time for one delivery is used up"):
        client.trigger(run_request(dag_id="copy_file"))
    client._limit_seconds = 5
    client.trigger(run_request(dag_id="copy_file"))
    assert len(server.runs) == 1
