"""Whatever a server answers after a request was sent, the event knows that its run may exist."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.airflow.client import AirflowClient
from shared.airflow.credentials import Credentials
from shared.airflow.response import Response
from shared.airflow.tokens import OAuthClient
from shared.event_log import EventLog
from shared.model.errors import AirflowNotFound, AirflowUnclear, NotAirflow, RetryableError, RunRefused
from tests.airflow.harness import STORAGE, client_of, run_request
from tests.support.airflow_server import AirflowServer, Exchange


def nested(depth: int) -> Any:
    """Return a list in a list, so many times."""
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def client_to(server: AirflowServer) -> AirflowClient:
    """Build a client without a log-in."""
    environ = {"AIRFLOW_BASE_URL": server.base_url, "AIRFLOW_API": "v2", "AIRFLOW_AUTH": "none", **STORAGE}
    return client_of(environ, EventLog())


@pytest.mark.parametrize(
    ("detail", "error"),
    [
        (nested(900), RunRefused),
        ({"reason": nested(900)}, NotAirflow),
        ([{"loc": None, "msg": "bad"}], RunRefused),
        ([{"loc": 7, "msg": None}], RunRefused),
        ([{"loc": [nested(900)], "msg": nested(900)}], RunRefused),
        ({"loc": {}, "msg": {"a": nested(900)}}, NotAirflow),
        (10**300, NotAirflow),
    ],
)
def test_odd_detail_is_an_error_like_any_other(
    server: AirflowServer, detail: Any, error: type[Exception]
) -> None:
    """Deep nesting and nulls where nobody expects them."""

    def answer(exchange: Exchange) -> bool:
        exchange.answer(400, {"detail": detail})
        return True

    server.faults.append(answer)
    with pytest.raises(error) as caught:
        client_to(server).trigger(run_request(dag_id="copy_file"))
    assert len(str(caught.value)) < 1_000


def test_exception_after_the_post_is_unclear(server: AirflowServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours must not lose that the run may exist."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Response, "error_begins", fail)

    def answer(exchange: Exchange) -> bool:
        exchange.answer(409, {"detail": "x"})
        return True

    server.faults.append(answer)
    with pytest.raises(AirflowUnclear, match="ZeroDivisionError") as caught:
        client_to(server).trigger(run_request(dag_id="copy_file"))
    assert caught.value.may_have_been_sent


NOW = datetime(2026, 11, 20, 6, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("9" * 400, 86_400),
        ("Fri, 20 Nov 2026 06:30:25 GMT", 10),
        ("Fri, 20 Nov 2026 06:30:25 +9999", None),
        ("Fri, 20 Nov 2026 06:30:25 -2401", None),
        ("Fri, 31 Dec 9999 23:59:59 -1200", 86_400),
        ("Mon, 01 Jan 0001 00:00:00 +2300", 0),
        ("Fri, 20 Nov 2026", None),
        ("-5", None),
        ("٣", None),
        ("1e9", None),
    ],
)
def test_odd_retry_after_raises_nothing(text: str, seconds: float | None) -> None:
    """Odd zones, huge values, times at the end of the calendar."""
    found = Response(status=429, retry_after=text).retry_after_seconds(now=NOW)

    assert found == seconds


@pytest.mark.parametrize("lifetime", [10**400, -1, True, "3600", None, float("inf")])
def test_odd_lifetime_of_a_token_counts_as_unknown(lifetime: object) -> None:
    """A number that is no sensible one must not raise after the token was issued."""
    answer = Response(status=200, json={"access_token": "t", "expires_in": lifetime})
    credentials = Credentials(fields={"client_id": "a", "client_secret": "b"}, origin="")

    assert OAuthClient(lambda _: answer, scope="").fetch(credentials).lifetime_seconds == 600


@pytest.mark.parametrize("token", ["a\nb", "a b\r\nX: y", "“a”", " a"])
def test_token_that_no_header_can_carry_is_none(token: str) -> None:
    """The library would raise, with the token in its text."""
    answer = Response(status=200, json={"access_token": token})
    credentials = Credentials(fields={"client_id": "a", "client_secret": "b"}, origin="")

    with pytest.raises(AirflowNotFound, match="without a token"):
        OAuthClient(lambda _: answer, scope="").fetch(credentials)


def test_page_that_answers_200_cannot_have_created_a_run(server: AirflowServer) -> None:
    """A wrong address must not tie the event to itself; a torn answer of Airflow must."""
    bodies: list[object] = ["<html>Log in</html>", {"foreign": "json"}]

    def answer(exchange: Exchange) -> bool:
        exchange.answer(200, bodies.pop(0))
        return True

    server.faults.append(answer)
    client = client_to(server)
    sent = []
    for _ in range(2):
        with pytest.raises(RetryableError) as caught:
            client.trigger(run_request(dag_id="copy_file"))
        sent.append((type(caught.value), caught.value.may_have_been_sent))

    assert sent == [(AirflowNotFound, False), (NotAirflow, True)]


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, UnicodeEncodeError])
def test_any_exception_of_the_library_is_unclear_and_named_by_its_type(
    server: AirflowServer, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    """`ValueError: Invalid header value b'Bearer ...'` would reach the platform's log."""
    client = client_to(server)
    arguments = ("ascii", "canary", 0, 1, "canary") if kind is UnicodeEncodeError else ("canary",)

    def fail(*_: object, **__: object) -> None:
        raise kind(*arguments)

    monkeypatch.setattr(client._http.session, "request", fail)
    with pytest.raises(AirflowUnclear, match=kind.__name__) as caught:
        client.trigger(run_request(dag_id="copy_file"))
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize("question", ["find", "is_paused", "check_log_in", "dag_ids", "version"])
def test_question_that_fails_once_is_answered(server: AirflowServer, question: str) -> None:
    """One 502 of a gateway is not an outage."""
    left = [502]

    def fail_once(exchange: Exchange) -> bool:
        if left:
            exchange.answer(left.pop(), "<html>Bad Gateway</html>")
            return True
        return False

    def answer(exchange: Exchange) -> bool:
        if exchange.path.endswith("/dags/copy_file"):
            exchange.answer(200, {"is_paused": False})
            return True
        return False

    server.faults += [fail_once, answer]
    arguments = {"find": ("copy_file", "r1"), "is_paused": ("copy_file",)}.get(question, ())
    getattr(client_to(server), question)(*arguments)

    assert left == []
