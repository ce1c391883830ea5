"""A server that answers badly on purpose: the right outcome each time, and one run at most."""

import datetime as dt
import time
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any

import pytest

from shared.model.errors import (
    AirflowBusy,
    AirflowNotFound,
    AirflowUnclear,
    NotAirflow,
    RetryableError,
)
from tests.airflow.harness import READ_SECONDS, deliver, impatient_client, run_request
from tests.support.airflow_server import AirflowServer, Exchange

PAGE = "<html><body>Please log in: <form action='/login'></form></body></html>"


type Misbehave = Callable[[Exchange], None]


def once(misbehave: Misbehave) -> Callable[[Exchange], bool]:
    """Misbehave on the first trigger call only."""
    left = [misbehave]

    def fault(exchange: Exchange) -> bool:
        if exchange.method == "POST" and exchange.path.endswith("/dagRuns") and left:
            left.pop()(exchange)
            return True
        return False

    return fault


def committed(misbehave: Misbehave) -> Misbehave:
    """Create the run first."""

    def then(exchange: Exchange) -> None:
        exchange.commit()
        misbehave(exchange)

    return then


def say_nothing(exchange: Exchange) -> None:
    """Answer too late."""
    time.sleep(READ_SECONDS + 0.4)
    exchange.hang_up()


def raw(*parts: bytes, pause: float = 0.0) -> Misbehave:
    """Write bytes, with a pause between them, and hang up."""

    def write(exchange: Exchange) -> None:
        for part in parts:
            try:
                exchange.handler.wfile.write(part)
            except OSError:
                return
            time.sleep(pause)
        exchange.hang_up()

    return write


DRIP = 0.15
BAD: dict[str, tuple[Misbehave, type[RetryableError], bool]] = {
    "reset before the commit": (Exchange.hang_up, AirflowUnclear, False),
    "reset after the commit": (committed(Exchange.hang_up), AirflowUnclear, True),
    "time-out before the commit": (say_nothing, AirflowUnclear, False),
    "time-out after the commit": (committed(say_nothing), AirflowUnclear, True),
    "429": (
        lambda exchange: exchange.answer(429, {"detail": "slow down"}, Retry_After="0"),
        AirflowBusy,
        False,
    ),
    "502 page": (lambda exchange: exchange.answer(502, PAGE), AirflowUnclear, False),
    "500 after the commit": (committed(lambda exchange: exchange.answer(500, PAGE)), AirflowUnclear, True),
    "truncated body": (
        committed(raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"dag_run_id": ')),
        AirflowUnclear,
        True,
    ),
    "body that is torn but complete": (
        committed(raw(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"dag_run_id": ')),
        NotAirflow,
        True,
    ),
    "200 page": (lambda exchange: exchange.answer(200, PAGE), AirflowNotFound, False),
    "200 of another run": (lambda exchange: exchange.answer(200, {"dag_run_id": "other"}), NotAirflow, False),
    "200 of a list": (lambda exchange: exchange.answer(200, [1]), NotAirflow, False),
    "redirect": (lambda exchange: exchange.answer(302, PAGE, Location="/login"), AirflowNotFound, False),
    "404 page": (lambda exchange: exchange.answer(404, PAGE), AirflowNotFound, False),
    "404 of another service": (
        lambda exchange: exchange.answer(404, {"detail": "Not Found"}),
        AirflowNotFound,
        False,
    ),
    "headers that drip": (
        committed(raw(b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * 20, pause=DRIP)),
        AirflowUnclear,
        True,
    ),
    "body that drips": (
        committed(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", *[b" "] * 20, pause=DRIP)),
        AirflowUnclear,
        True,
    ),
    "no HTTP": (raw(b"220 mail.example.com ESMTP\r\n"), AirflowUnclear, False),
    "endless body": (
        committed(raw(b"HTTP/1.1 200 OK\r\n\r\n", *[b" " * 1_000_000] * 6)),
        AirflowUnclear,
        True,
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_answer_is_tried_again_and_makes_one_run(server: AirflowServer, name: str) -> None:
    """Whether the run was made before the answer went wrong does not matter in the end."""
    misbehave, expected, is_made = BAD[name]
    server.faults.append(once(misbehave))
    client = impatient_client(server.base_url)
    run = run_request(dag_id="copy_file")
    client.version()
    started = time.monotonic()
    with pytest.raises(expected) as caught:
        client.trigger(run)
    took = time.monotonic() - started
    in_the_end = deliver(client, run, timeout_seconds=10)

    assert type(caught.value) is expected
    assert "<" not in str(caught.value)
    assert took < READ_SECONDS + 0.5
    assert in_the_end == ("already_there" if is_made else "created")
    assert list(server.runs) == [("copy_file", run.run_id)]
    assert server.requests["GET login"] == 0


@pytest.mark.parametrize("is_date", [True, False])
def test_retry_after_is_read_in_seconds_and_as_a_date(server: AirflowServer, *, is_date: bool) -> None:
    """RFC 9110 allows both."""
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=120)
    retry_after = format_datetime(moment, usegmt=True) if is_date else "120"
    server.faults.append(once(lambda exchange: exchange.answer(429, PAGE, Retry_After=retry_after)))

    with pytest.raises(AirflowBusy) as caught:
        impatient_client(server.base_url).trigger(run_request(dag_id="copy_file"))
    assert caught.value.retry_after_seconds == pytest.approx(120, abs=5)


@pytest.mark.parametrize("status", [0, 401, 404, 429, 500])
def test_conflict_that_cannot_be_looked_up_stays_unclear(server: AirflowServer, status: int) -> None:
    """Not "never sent": the run may be there, so a later attempt is pinned to this DAG and Airflow."""
    run = run_request(dag_id="copy_file")
    client = impatient_client(server.base_url)
    client.trigger(run)

    def fail_look_ups(exchange: Exchange) -> bool:
        if exchange.method == "GET":
            exchange.answer(status, {"detail": "x"}) if status else exchange.hang_up()
        return exchange.method == "GET"

    server.faults.append(fail_look_ups)

    with pytest.raises(AirflowUnclear) as caught:
        client.trigger(run)
    assert caught.value.may_have_been_sent


def test_connection_is_kept_after_a_refusal(server: AirflowServer) -> None:
    """A refused token is answered on the same connection that carries the next one."""
    server.faults.append(once(lambda exchange: exchange.answer(401, {"detail": "Token Expired"})))
    client = impatient_client(server.base_url)
    client.trigger(run_request(dag_id="copy_file"))

    assert server.requests["POST auth/token"] == 2
    assert server.connections == 1


def test_cookies_are_refused(server: AirflowServer) -> None:
    """A session would outlive the log-in and mix with it."""
    seen: list[Any] = []

    def look(exchange: Exchange) -> bool:
        seen.append(exchange.handler.headers.get("Cookie"))
        if exchange.path.endswith("/version"):
            exchange.answer(200, {"version": "3.3.2"}, Set_Cookie="session=1; Path=/")
            return True
        return False

    server.faults.append(look)
    impatient_client(server.base_url).trigger(run_request(dag_id="copy_file"))

    assert set(seen) == {None}
