"""Which generation answers is found out once, also behind a path, and again when Airflow was upgraded."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.airflow.auth import NoAuth
from shared.airflow.dialects.base import Dialect
from shared.airflow.dialects.v1 import V1
from shared.airflow.dialects.v2 import V2
from shared.airflow.request import Request
from shared.airflow.response import Response
from shared.airflow.session import ApiSession, DetectedSession, FixedSession
from shared.event_log import EventLog
from shared.model.errors import AirflowNotFound, AirflowUnclear, AirflowUnreachable

VERSIONS: dict[str, dict[str, tuple[int, Any]]] = {
    "v2": {"/api/v2/version": (200, {"version": "3.3.2"})},
    "v1": {"/api/v1/version": (200, {"version": "2.11.2"})},
    "experimental": {"/api/experimental/test": (401, None)},
    "both": {"/api/v1/version": (200, {"version": "2.2.0"}), "/api/experimental/test": (401, None)},
    "open": {"/api/experimental/test": (200, {"status": "OK"})},
}


class Clock:
    """Monotonic seconds that tests move."""

    seconds = 100.0

    def __call__(self) -> float:
        self.seconds += 0.001
        return self.seconds


def session_to(
    answers: dict[str, tuple[int, Any]], clock: Callable[[], float] | None = None
) -> tuple[DetectedSession, Counter[str]]:
    """Return a session with a server that answers these paths, any other with 404; and what it was asked."""
    asked: Counter[str] = Counter()

    def send(call: Request) -> Response:
        asked[call.path] += 1
        status, body = answers.get(call.path, (404, None))
        if status == 0:
            raise body
        return Response(status=status, json=body)

    def make(dialect: Dialect) -> ApiSession:
        return ApiSession(dialect=dialect, auth=NoAuth())

    return DetectedSession(send, make, EventLog(), clock=clock or Clock()), asked


@pytest.mark.parametrize(
    ("server", "api"),
    [("v2", "v2"), ("v1", "v1"), ("experimental", "experimental"), ("both", "v1"), ("open", "experimental")],
)
def test_server_is_asked_once_and_the_newest_it_has_is_spoken(server: str, api: str) -> None:
    """An Airflow 2 may still have the old API switched on."""
    session, asked = session_to(VERSIONS[server])
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: session.get().dialect.name, range(20)))

    assert names == {api}
    assert max(asked.values()) == 1


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"/api/v2/version": (302, None)},
        dict.fromkeys(("/api/v2/version", "/api/v1/version", "/api/experimental/test"), (401, None)),
        {"/api/v2/version": (200, {"name": "another service"})},
    ],
)
def test_anything_else_is_no_airflow(answers: dict[str, tuple[int, Any]]) -> None:
    """A gateway that hides everything behind 401 is not taken for Airflow 1.10."""
    session, _ = session_to(answers)

    with pytest.raises(AirflowNotFound, match="AIRFLOW_API"):
        session.get()


@pytest.mark.parametrize(
    "answer", [(503, None), (0, AirflowUnreachable("no connection")), (0, AirflowUnclear("no answer"))]
)
def test_server_that_is_down_is_asked_again_later(answer: tuple[int, Any]) -> None:
    """A breakdown says nothing about the generation; only questions were sent, so nothing is unclear."""
    answers = {"/api/v2/version": answer}
    session, _ = session_to(answers)
    with pytest.raises(AirflowUnreachable):
        session.get()
    answers["/api/v2/version"] = (200, {"version": "3.3.2"})

    assert session.get().dialect.name == "v2"


def test_thread_that_waited_for_a_failing_question_does_not_ask_it_again() -> None:
    """One time-out for all, not one after the other; the question itself is asked again once."""
    times = iter([10.0, 20.0, 5.0])
    session, asked = session_to(
        {"/api/v2/version": (0, AirflowUnclear("no answer"))}, clock=lambda: next(times)
    )
    with pytest.raises(AirflowUnreachable):
        session.get()
    with pytest.raises(AirflowUnreachable, match="no answer"):
        session.get()

    assert asked.total() == 2


def test_upgrade_is_noticed_once_a_minute_at_most() -> None:
    """Foreign responses invalidate the session."""
    answers = dict(VERSIONS["v1"])
    clock = Clock()
    session, asked = session_to(answers, clock)
    session.get()
    answers.clear()
    answers.update(VERSIONS["v2"])
    session.invalidate()
    at_once = session.get().dialect.name
    clock.seconds += 61
    session.invalidate()

    assert at_once == "v1"
    assert session.get().dialect.name == "v2"
    assert asked["/api/v2/version"] == 2


def test_session_of_the_settings_stays() -> None:
    """The setting decides."""
    session = FixedSession(ApiSession(dialect=V1, auth=NoAuth()))
    session.invalidate()

    assert session.get().dialect is V1


@pytest.mark.parametrize("hiccup", [(502, None), (200, None), (0, AirflowUnclear("reset"))])
def test_question_that_fails_once_is_asked_again_at_once(hiccup: tuple[int, Any]) -> None:
    """One 502, or one torn answer, is not an outage."""
    answers: dict[str, tuple[int, Any]] = {"/api/v2/version": hiccup}
    asked: list[str] = []

    def send(call: Request) -> Response:
        asked.append(call.path)
        status, body = answers.pop(call.path, (200, {"version": "3.3.2"}))
        if status == 0:
            raise body
        return Response(status=status, json=body)

    session = DetectedSession(send, lambda dialect: ApiSession(dialect=dialect, auth=NoAuth()), EventLog())

    assert session.get().dialect.name == "v2"
    assert asked == ["/api/v2/version"] * 2


@pytest.mark.parametrize("answer", [(200, None), (502, None), (404, None), (0, AirflowUnclear("time-out"))])
def test_what_was_learnt_stays_until_an_answer_contradicts_it(answer: tuple[int, Any]) -> None:
    """A torn answer invalidates; while the question fails, the known generation is used."""
    answers = dict(VERSIONS["v1"])
    clock = Clock()
    session, _ = session_to(answers, clock)
    session.get()
    answers.clear()
    answers["/api/v2/version"] = answer
    clock.seconds += 61
    session.invalidate()

    assert session.get().dialect.name == "v1"


def test_thread_does_not_wait_while_another_one_asks_what_the_server_is_now() -> None:
    """It goes on with what is known."""
    answers = dict(VERSIONS["v1"])
    clock = Clock()
    session, asked = session_to(answers, clock)
    session.get()
    clock.seconds += 61
    session.invalidate()
    started = time.monotonic()
    with session._lock:
        known = session.get().dialect.name

    assert known == "v1"
    assert time.monotonic() - started < 1
    assert asked["/api/v2/version"] == 1


@pytest.mark.parametrize(
    ("api", "version", "takes"),
    [
        ("v1", "2.4.3", False),
        ("v1", "2.5.0", True),
        ("v1", "2.11.2", True),
        ("v1", "2.10.5+composer", True),
        ("v1", "unknown", False),
        ("v2", "3.0.0", True),
    ],
)
def test_notes_go_to_those_that_take_them(api: str, version: str, takes: bool) -> None:  # noqa: FBT001
    """An Airflow before 2.5 refuses a run with a note, which would become a dead letter."""
    session, _ = session_to({f"/api/{api}/version": (200, {"version": version})})

    assert session.get().takes_notes is takes


def test_named_dialect_without_a_version_gets_no_notes() -> None:
    """With AIRFLOW_API=v1 nobody has asked which Airflow 2 it is."""
    assert not ApiSession(dialect=V1, auth=NoAuth()).takes_notes
    assert ApiSession(dialect=V2, auth=NoAuth()).takes_notes


def test_upgrade_is_noticed_with_the_next_doubt() -> None:
    """The dialect is the same, what it takes is not."""
    clock = Clock()
    answers: dict[str, tuple[int, Any]] = {"/api/v1/version": (200, {"version": "2.4.3"})}
    session, _ = session_to(answers, clock)
    before = session.get().takes_notes
    answers["/api/v1/version"] = (200, {"version": "2.11.2"})
    clock.seconds += 100
    session.invalidate()

    assert [before, session.get().takes_notes] == [False, True]
