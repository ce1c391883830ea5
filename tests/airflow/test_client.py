"""The client's results: created, there already, retry, never; with few requests."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.airflow.client import AirflowClient, Delivery
from shared.airflow.dates import logical_dates
from shared.airflow.response import Response
from shared.event_log import EventLog
from shared.model.errors import (
    AirflowNotFound,
    AirflowUnclear,
    AirflowUnreachable,
    BadConf,
    BlobToDagError,
    DagBroken,
    DateTaken,
    LookUpForbidden,
    NotAirflow,
    RunRefused,
)
from tests.airflow.harness import STORAGE, client_of, run_request
from tests.support.airflow_server import Exchange, airflow_server

MIDNIGHT = datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=UTC)
RUN = run_request(dag_id="copy_file", run_id="r1")
DATED = run_request(dag_id="copy_file", run_id="r1", logical_date=MIDNIGHT)
CONFLICT = (409, {"detail": {"reason": "Unique constraint violation"}})
NO_RUN = (404, {"detail": "The DagRun with dag_id: `copy_file` and run_id: `r1` was not found"})

type Ask = Callable[[str, str], tuple[int, Any]]


def outcome(ask: Ask, *, api: str = "v2", run: Any = RUN) -> tuple[Delivery | BlobToDagError, list[Exchange]]:
    """Trigger a run against a server with these answers; return the result and the requests."""
    asked: list[Exchange] = []

    def answer(exchange: Exchange) -> bool:
        asked.append(exchange)
        exchange.answer(*ask(exchange.method, exchange.path))
        return True

    with airflow_server() as server:
        server.faults.append(answer)
        client = client_to(server.base_url, api)
        try:
            return client.trigger(run), asked
        except BlobToDagError as error:
            return error, asked


def client_to(base_url: str, api: str) -> AirflowClient:
    """Build a client without a log-in."""
    environ = {"AIRFLOW_BASE_URL": base_url, "AIRFLOW_API": api, "AIRFLOW_AUTH": "none", **STORAGE}
    return client_of(environ, EventLog())


def test_note_goes_only_to_an_airflow_that_is_known_to_take_it() -> None:
    """Each is one request; with AIRFLOW_API=v1 nobody has asked which Airflow 2 it is."""
    run = run_request(dag_id="copy_file", run_id="r1", note="About a file.")
    created = (200, {"dag_run_id": "r1"})
    bodies = {api: outcome(lambda *_: created, api=api, run=run)[1] for api in ("v1", "v2")}

    assert [exchange.body.get("note") for exchange in bodies["v1"]] == [None]
    assert [exchange.body.get("note") for exchange in bodies["v2"]] == ["About a file."]


def test_conflict_is_delivered_only_if_the_run_is_found() -> None:
    """409 alone is no proof."""
    found = {"dag_run_id": "r1", "state": "queued"}

    there, _ = outcome(lambda method, _: CONFLICT if method == "POST" else (200, found))
    taken, asked = outcome(lambda method, _: CONFLICT if method == "POST" else NO_RUN)

    assert there is Delivery.ALREADY_THERE
    assert isinstance(taken, DateTaken)
    assert [exchange.method for exchange in asked] == ["POST", "GET"]


def test_taken_date_moves_within_its_second_and_keeps_the_run_id() -> None:
    """`{{ ds }}` stays, also just before midnight; a handful of tries."""
    taken, asked = outcome(lambda method, _: CONFLICT if method == "POST" else NO_RUN, run=DATED)
    bodies = [exchange.body for exchange in asked if exchange.method == "POST"]

    assert isinstance(taken, DateTaken)
    assert {body["dag_run_id"] for body in bodies} == {"r1"}
    assert len({body["logical_date"] for body in bodies}) == len(bodies) == 6
    assert {body["logical_date"][:19] for body in bodies} == {"2026-11-20T23:59:59"}


def test_dates_depend_on_the_run_first_and_on_chance_later() -> None:
    """Many blobs of one instant rarely meet again."""
    first = list(logical_dates(DATED, below=lambda _: 4))
    again = list(logical_dates(DATED, below=lambda _: 5))

    assert first[:2] == again[:2]
    assert first[0] == MIDNIGHT
    assert first[2].microsecond == 4 if first[2] else False
    assert list(logical_dates(RUN)) == [None]


@pytest.mark.parametrize("is_there", [True, False])
def test_old_airflow_hides_a_taken_date_behind_500(*, is_there: bool) -> None:
    """The run is looked up there; a real breakdown stays unclear in the end."""
    runs = [{"run_id": "r1", "state": "running"}] if is_there else []
    result, asked = outcome(
        lambda method, _: (500, "<html>") if method == "POST" else (200, runs), api="experimental", run=DATED
    )

    assert (result is Delivery.ALREADY_THERE) == is_there
    assert isinstance(result, AirflowUnclear) != is_there
    assert len(asked) == (2 if is_there else 12)


@pytest.mark.parametrize(
    ("api", "response"),
    [
        ("experimental", (400, {"error": "Run id r1 already exists for dag id copy_file"})),
        ("v1", (409, {"detail": "DAGRun with DAG ID: 'copy_file' and DAGRun ID: 'r1' already exists"})),
    ],
)
def test_text_that_names_our_run_is_proof(api: str, response: tuple[int, Any]) -> None:
    """No look-up: it could fail, and a role may lack the permission."""
    result, asked = outcome(lambda *_: response, api=api)

    assert result is Delivery.ALREADY_THERE
    assert len(asked) == 1


def test_role_that_may_create_but_not_read_is_named() -> None:
    """The run may exist: what waits stays with this Airflow."""
    result, _ = outcome(lambda method, _: CONFLICT if method == "POST" else (403, {"detail": "Forbidden"}))

    assert isinstance(result, LookUpForbidden)
    assert "Allow it to read them" in str(result)
    assert result.may_have_been_sent


@pytest.mark.parametrize(
    "trouble", ["has import errors and cannot be triggered", "does not allow manual runs"]
)
def test_dag_that_takes_no_runs_is_retried(trouble: str) -> None:
    """It is about the DAG, not about the event."""
    result, _ = outcome(lambda *_: (400, {"detail": f"Dag with dag_id: 'copy_file' {trouble}"}))

    assert isinstance(result, DagBroken)
    assert trouble in str(result)


@pytest.mark.parametrize("body", [{"message": "Bad Request"}, {}])
def test_bad_request_of_a_gateway_is_retried(body: object) -> None:
    """Only Airflow's own shape says that the run can never succeed."""
    result, _ = outcome(lambda *_: (400, body))

    assert isinstance(result, NotAirflow)


def test_refusal_is_in_airflows_own_words() -> None:
    """Without the values that were sent."""
    detail = [{"loc": ["body", "conf"], "msg": "Input should be a valid dictionary", "input": "secret.csv"}]
    result, _ = outcome(lambda *_: (422, {"detail": detail}))

    assert isinstance(result, RunRefused)
    assert "body.conf: Input should be a valid dictionary" in str(result)
    assert "secret.csv" not in str(result)


@pytest.mark.parametrize("dag_id", ["", ".", ".."])
def test_dag_id_that_is_a_step_in_a_path_is_never_sent(dag_id: str) -> None:
    """It would end up at another address."""
    result, asked = outcome(lambda *_: (200, {}), run=run_request(dag_id=dag_id))

    assert isinstance(result, RunRefused)
    assert asked == []


@pytest.mark.parametrize("value", [float("nan"), "\ud800", object(), "x" * 70_000])
def test_conf_is_checked_before_anything_is_sent(value: object) -> None:
    """Not JSON, half a character, no JSON type, too large."""
    result, asked = outcome(lambda *_: (200, {}), run=run_request(conf={"a": value}))

    assert isinstance(result, BadConf)
    assert asked == []


def test_foreign_response_invalidates_the_session() -> None:
    """An Airflow that was upgraded answers 404 to the old path, a gateway 200 with a page."""
    with airflow_server() as server:
        environ = {"AIRFLOW_BASE_URL": server.base_url, "AIRFLOW_AUTH": "none", **STORAGE}
        client = client_of(environ, EventLog())
        invalidations: list[None] = []
        client._sessions.invalidate = lambda: invalidations.append(None)  # type: ignore[method-assign]

        response: list[tuple[int, object]] = [(404, {"detail": "has been removed"})]

        def upgraded(exchange: Exchange) -> bool:
            if not exchange.path.endswith("/version"):
                exchange.answer(*response[0])
            return not exchange.path.endswith("/version")

        server.faults.append(upgraded)
        for ask in (lambda: client.trigger(RUN), lambda: client.find("d", "r1")):
            with pytest.raises(AirflowNotFound) as caught:
                ask()
            assert not caught.value.may_have_been_sent
        response[0] = (200, "<html>")
        with pytest.raises(AirflowNotFound):
            client.trigger(RUN)

    assert len(invalidations) == 3


@pytest.mark.parametrize("trouble", ["500", "hang up"])
def test_question_that_fails_has_sent_no_run(trouble: str) -> None:
    """The run may still go to another Airflow, and is still held while its DAG is paused."""
    with airflow_server() as server:
        client = client_to(server.base_url, "v2")

        def fail(exchange: Exchange) -> bool:
            if trouble == "500":
                exchange.answer(500, "<html>")
            else:
                exchange.hang_up()
            return True

        server.faults.append(fail)
        with pytest.raises(AirflowUnreachable) as caught:
            client.is_paused("d")

    assert not caught.value.may_have_been_sent


def test_operations_go_through_the_dialect() -> None:
    """What the app and its operators ask beside starting runs."""
    answers: dict[str, tuple[int, Any]] = {
        "/api/v2/dags": (200, {"dags": [{"dag_id": "d"}], "total_entries": 1}),
        "/api/v2/dags/d": (200, {"is_paused": True, "has_import_errors": False}),
        "/api/v2/dags/gone": (404, {"detail": "The Dag with ID: `gone` was not found"}),
        "/api/v2/dags/~/dagRuns/list": (200, {"total_entries": 3}),
        "/api/v2/version": (200, {"version": "3.3.2"}),
    }

    def answer(exchange: Exchange) -> bool:
        exchange.answer(*answers[exchange.path])
        return True

    with airflow_server() as server:
        server.faults.append(answer)
        client = client_to(server.base_url, "v2")

        assert list(client.dag_ids()) == ["d"]
        assert client.is_paused("d")
        assert not client.is_paused("gone")
        assert client.waiting_runs() == 0
        assert client.count_waiting("x").of_active_dags == 3
        assert (client.api, client.version()) == ("v2", "3.3.2")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("", None), (None, None), ("soon", None), ("Fri, 20 Nov 2026 06:30:25", 10)],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    """Anything else is nothing."""
    answer = Response(status=429, retry_after=text)

    assert answer.retry_after_seconds(now=datetime(2026, 11, 20, 6, 30, 15, tzinfo=UTC)) == seconds
