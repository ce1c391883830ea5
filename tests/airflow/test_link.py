"""Which generation answers is found out once, also behind a path, and again when Airflow was upgraded."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.airflow.answer import Answer
from shared.airflow.auth import NoAuth
from shared.airflow.call import Call
from shared.airflow.dialect import Dialect
from shared.airflow.link import DetectedLink, FixedLink, Link
from shared.airflow.v1 import V1
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


def link_to(
    answers: dict[str, tuple[int, Any]], clock: Callable[[], float] | None = None
) -> tuple[DetectedLink, Counter[str]]:
    """Give a link to a server that answers these paths, any other with 404; and what it was asked."""
    asked: Counter[str] = Counter()

    def send(call: Call) -> Answer:
        asked[call.path] += 1
        status, body = answers.get(call.path, (404, None))
        if status == 0:
            raise body
        return Answer(status=status, json=body)

    def make(dialect: Dialect) -> Link:
        return Link(dialect=dialect, auth=NoAuth())

    return DetectedLink(send, make, EventLog(), clock=clock or Clock()), asked


@pytest.mark.parametrize(
    ("server", "api"),
    [("v2", "v2"), ("v1", "v1"), ("experimental", "experimental"), ("both", "v1"), ("open", "experimental")],
)
def test_server_is_asked_once_and_the_newest_it_has_is_spoken(server: str, api: str) -> None:
    """An Airflow 2 may still have the old API switched on."""
    link, asked = link_to(VERSIONS[server])
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: link.get().dialect.name, range(20)))

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
    link, _ = link_to(answers)

    with pytest.raises(AirflowNotFound, match="AIRFLOW_API"):
        link.get()


@pytest.mark.parametrize(
    "answer", [(503, None), (0, AirflowUnreachable("no connection")), (0, AirflowUnclear("no answer"))]
)
def test_server_that_is_down_is_asked_again_later(answer: tuple[int, Any]) -> None:
    """A breakdown says nothing about the generation; only questions were sent, so nothing is unclear."""
    answers = {"/api/v2/version": answer}
    link, _ = link_to(answers)
    with pytest.raises(AirflowUnreachable):
        link.get()
    answers["/api/v2/version"] = (200, {"version": "3.3.2"})

    assert link.get().dialect.name == "v2"


def test_thread_that_waited_for_a_failing_question_does_not_ask_it_again() -> None:
    """One time-out for all, not one after the other."""
    times = iter([10.0, 20.0, 5.0])
    link, asked = link_to({"/api/v2/version": (0, AirflowUnclear("no answer"))}, clock=lambda: next(times))
    with pytest.raises(AirflowUnreachable):
        link.get()
    with pytest.raises(AirflowUnreachable, match="could not be asked"):
        link.get()

    assert asked.total() == 1


def test_upgrade_is_noticed_once_a_minute_at_most() -> None:
    """Foreign answers put the dialect in doubt."""
    answers = dict(VERSIONS["v1"])
    clock = Clock()
    link, asked = link_to(answers, clock)
    link.get()
    answers.clear()
    answers.update(VERSIONS["v2"])
    link.doubt()
    at_once = link.get().dialect.name
    clock.seconds += 61
    link.doubt()

    assert at_once == "v1"
    assert link.get().dialect.name == "v2"
    assert asked["/api/v2/version"] == 2


def test_link_of_the_settings_stays() -> None:
    """Who names the API has decided."""
    link = FixedLink(Link(dialect=V1, auth=NoAuth()))
    link.doubt()

    assert link.get().dialect is V1
