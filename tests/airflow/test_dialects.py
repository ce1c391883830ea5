"""The requests to each generation, and the results of its responses: pure, by table."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.airflow.dialects.base import DagState, Dialect, WaitingRuns
from shared.airflow.dialects.experimental import Experimental
from shared.airflow.dialects.v1 import V1
from shared.airflow.dialects.v2 import V2
from shared.airflow.request import Flow, Request
from shared.airflow.response import Response
from shared.airflow.response_rule import ResponseKind
from shared.airflow.session import DIALECTS, run_flow
from shared.model.errors import (
    AirflowBusy,
    AirflowNotFound,
    AirflowUnreachable,
    CredentialsRefused,
    Forbidden,
    RetryableError,
)
from tests.airflow.harness import run_request

RUN = run_request(run_id="r1", dag_id="a dag", conf={"filename": "x"})
DATED = run_request(run_id="r1", logical_date=datetime(2026, 11, 20, 6, tzinfo=UTC))
OLD = Experimental()
NOT_FOUND_V1 = {
    "title": "DAGRun not found",
    "detail": "DAGRun with DAG ID: 'd' and DagRun ID: 'r1' not found",
}


def play[T](exchange: Flow[T], *answers: tuple[int, Any]) -> tuple[T, list[Request]]:
    """Run a flow with these responses; return its result and the requests."""
    left = list(answers)
    calls: list[Request] = []

    def send(call: Request) -> Response:
        calls.append(call)
        status, body = left.pop(0)
        return Response(status=status, json=body)

    result = run_flow(exchange, send)
    assert not left
    return result, calls


def test_each_generation_is_asked_for_a_run_in_its_own_way() -> None:
    """A date is left out, null, or another field; the old API's microseconds need a text."""
    asked = {
        dialect.name: play(dialect.trigger(RUN), (200, {"dag_run_id": "r1", "run_id": "r1"}))
        for dialect in DIALECTS
    }

    bodies = {name: calls[0].body for name, (_, calls) in asked.items()}
    assert bodies == {
        "v2": {"dag_run_id": "r1", "logical_date": None, "conf": {"filename": "x"}},
        "v1": {"dag_run_id": "r1", "conf": {"filename": "x"}},
        "experimental": {"run_id": "r1", "conf": {"filename": "x"}, "replace_microseconds": "false"},
    }
    assert {name: calls[0].path for name, (_, calls) in asked.items()} == {
        "v2": "/api/v2/dags/a%20dag/dagRuns",
        "v1": "/api/v1/dags/a%20dag/dagRuns",
        "experimental": "/api/experimental/dags/a%20dag/dag_runs",
    }
    assert {triggered.rule.outcome for triggered, _ in asked.values()} == {ResponseKind.CREATED}


@pytest.mark.parametrize(
    ("dialect", "key"), [(V2, "logical_date"), (V1, "logical_date"), (OLD, "execution_date")]
)
def test_logical_date_is_sent_with_its_zone(dialect: Dialect, key: str) -> None:
    """All generations refuse a date without one."""
    _, calls = play(dialect.trigger(DATED), (500, None))

    assert (calls[0].body or {})[key] == "2026-11-20T06:00:00+00:00"


@pytest.mark.parametrize(
    ("listed", "error"),
    [
        ((403, 403), CredentialsRefused),
        ((403, 200), Forbidden),
        ((200,), Forbidden),
        ((401,), CredentialsRefused),
    ],
)
def test_airflow_2_is_asked_whether_the_role_or_the_password_is_wrong(
    listed: tuple[int, ...], error: type[RetryableError]
) -> None:
    """It answers both with the same 403; a role that may list runs only has a good password, too."""
    triggered, _ = play(
        V1.trigger(RUN), (403, {"detail": None, "title": "Forbidden"}), *((status, {}) for status in listed)
    )

    assert triggered.rule.outcome is error


@pytest.mark.parametrize("dialect", DIALECTS)
def test_note_goes_with_the_run_where_there_are_notes(dialect: Dialect) -> None:
    """In the one request that creates it; 1.10 has no such field."""
    run = run_request(run_id="r1", note="About a file.")
    _, calls = play(dialect.trigger(run), (200, {"dag_run_id": "r1", "run_id": "r1"}))

    assert len(calls) == 1
    assert (calls[0].body or {}).get("note") == (None if dialect.name == OLD.name else "About a file.")


@pytest.mark.parametrize("dialect", [V1, V2])
def test_run_is_found_by_its_id(dialect: Dialect) -> None:
    """Only an answer about this run counts."""
    found, calls = play(dialect.find("d", "r/1"), (200, {"dag_run_id": "r/1", "state": "queued"}))

    assert found is not None
    assert (found.run_id, found.state) == ("r/1", "queued")
    assert calls[0].path == f"/api/{dialect.name}/dags/d/dagRuns/r%2F1"
    assert play(dialect.find("d", "r1"), (404, NOT_FOUND_V1))[0] is None
    with pytest.raises(AirflowNotFound):
        play(dialect.find("dagrun", "r1"), (404, {"detail": "Dag with dag_id: 'dagrun' not found"}))
    assert (
        play(dialect.find("d", "r1"), (404, {"detail": "The DagRun with run_id: `r1` was not found"}))[0]
        is None
    )


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, {"dag_run_id": "other"}, AirflowNotFound),
        (200, None, AirflowNotFound),
        (302, None, AirflowNotFound),
        (404, None, AirflowNotFound),
        (404, {"detail": "Not Found"}, AirflowNotFound),
        (404, {"detail": "Pool 'the dagrun with dag_id: d' not found"}, AirflowNotFound),
        (401, None, CredentialsRefused),
        (403, {}, Forbidden),
        (429, None, AirflowBusy),
        (500, None, AirflowUnreachable),
    ],
)
def test_anything_else_is_no_proof_of_absence(status: int, body: Any, error: type[RetryableError]) -> None:
    """A run is missing only if Airflow says so."""
    questions: list[Flow[Any]] = [
        V2.find("d", "r1"),
        V1.dag("d"),
        V2.version(),
        V2.dag_ids(),
    ]
    for question in questions:
        with pytest.raises(error) as caught:
            play(question, (status, body))
        assert type(caught.value) is error


def test_dags_are_listed_page_by_page() -> None:
    """In a fixed order, so that pages do not overlap."""
    first = {"dags": [{"dag_id": f"d{number:03}"} for number in range(100)], "total_entries": 101}
    last = {"dags": [{"dag_id": "z"}, {}], "total_entries": 101}
    listed, calls = play(V2.dag_ids(), (200, first), (200, last))

    assert len(listed) == 101
    assert [call.query["offset"] for call in calls] == [0, 100]
    assert calls[0].query["order_by"] == "dag_id"


def test_list_that_never_ends_is_left() -> None:
    """2,000 names are more than any message needs."""
    pages = [
        {"dags": [{"dag_id": f"d{page}.{number}"} for number in range(100)], "total_entries": 10**6}
        for page in range(20)
    ]

    assert len(play(V1.dag_ids(), *[(200, page) for page in pages])[0]) == 2_000
    assert play(V1.dag_ids(), (200, {"dags": [], "total_entries": 5}))[0] == []


def test_runs_are_listed_from_the_last_one() -> None:
    """Airflow 2 counts them, Airflow 3 has a cursor, where its minor version has one."""
    since = datetime(2026, 11, 19, tzinfo=UTC)
    page = {"dag_runs": [{"dag_run_id": "b", "state": "queued"}, {"dag_run_id": "a"}], "total_entries": 3}

    first, asked = play(V1.runs("d", "", state="queued", prefix="b", since=since), (200, page))
    last, again = play(V1.runs("d", first.next_page), (200, {"dag_runs": [{}], "total_entries": 3}))
    with_cursor, _ = play(V2.runs("d", ""), (200, {**page, "next_cursor": "abc"}))
    behind, calls = play(
        V2.runs("d", "abc", prefix="b", since=since), (200, {"dag_runs": [], "next_cursor": None})
    )
    without, _ = play(V2.runs("d", ""), (200, page))

    assert [(run.run_id, run.state) for run in first.runs] == [("b", "queued"), ("a", "None")]
    assert asked[0].query == {"limit": 100, "order_by": "-id", "state": "queued", "offset": 0}
    assert [first.next_page, last.next_page, again[0].query["offset"]] == ["2", "", 2]
    assert [with_cursor.next_page, behind.next_page, without.next_page] == ["abc", "", "2"]
    assert calls[0].query["cursor"] == "abc"
    assert calls[0].query["run_id_prefix_pattern"] == "b"
    assert calls[0].query["run_after_gte"] == since.isoformat()
    with pytest.raises(AirflowNotFound):
        play(V1.runs("d", ""), (200, {"total_entries": 0}))


def test_run_says_where_its_page_is() -> None:
    """Names that an address cannot hold are quoted."""
    run = {"dag_run_id": "a/b", "state": "success", "start_date": "2026-11-20T06:00:00Z", "note": "n"}
    pages = {}
    for dialect in (V1, V2):
        (pages[dialect.name],) = play(dialect.runs("a dag", ""), (200, {"dag_runs": [run]}))[0].runs
    old = {"run_id": "a", "state": "running", "dag_run_url": "/admin/airflow/graph?dag_id=d", "id": 1}

    assert pages["v1"].page == "/dags/a%20dag/grid?dag_run_id=a%2Fb"
    assert pages["v2"].page == "/dags/a%20dag/runs/a%2Fb"
    assert pages["v2"].started == datetime(2026, 11, 20, 6, tzinfo=UTC)
    assert (pages["v2"].note, pages["v2"].conf) == ("n", {})
    (listed,) = play(OLD.runs("d", "", state="running"), (200, [old]))[0].runs
    assert (listed.page, listed.conf) == ("/admin/airflow/graph?dag_id=d", None)


def test_params_of_a_dag_are_read_where_they_are_shown() -> None:
    """With their values and schemas."""
    params = {"filename": {"value": None, "schema": {"type": "string"}}, "odd": 1}

    assert play(V1.params("d"), (200, {"params": params}))[0] == {"filename": params["filename"]}
    assert play(V2.params("d"), (200, {"params": None}))[0] == {}
    assert play(OLD.params("d"))[0] is None
    with pytest.raises(AirflowNotFound):
        play(V2.params("d"), (404, {"detail": "The Dag was not found"}))


def test_state_of_a_dag_is_read() -> None:
    """Paused, and import errors if the API shows them."""
    state, _ = play(V2.dag("d"), (200, {"is_paused": True, "has_import_errors": False}))

    assert state == DagState(is_paused=True, has_import_errors=False)
    assert play(V1.dag("d"), (404, {"detail": "The DAG with dag_id: d was not found"}))[0] is None


def test_runs_of_paused_dags_are_counted_apart() -> None:
    """They wait for a person, not for a worker."""
    paused = {"dags": [{"dag_id": "p"}], "total_entries": 1}
    waiting, calls = play(
        V1.waiting_runs(None), (200, paused), (200, {"total_entries": 7}), (200, {"total_entries": 3})
    )
    of_paused, _ = play(V1.waiting_runs("p"), (200, paused), (200, {"total_entries": 2}))
    of_active, _ = play(V2.waiting_runs("a"), (200, paused), (200, {"total_entries": 2}))
    without, _ = play(
        V2.waiting_runs(None), (200, {"dags": [], "total_entries": 0}), (200, {"total_entries": 2})
    )

    assert waiting == WaitingRuns(of_active_dags=4, of_paused_dags=3)
    assert [call.body for call in calls[1:]] == [
        {"states": ["queued"], "page_limit": 1},
        {"states": ["queued"], "page_limit": 1, "dag_ids": ["p"]},
    ]
    assert of_paused == WaitingRuns(of_active_dags=0, of_paused_dags=2)
    assert of_active == without == WaitingRuns(of_active_dags=2, of_paused_dags=0)
    with pytest.raises(AirflowNotFound):
        play(V2.waiting_runs("a"), (200, paused), (200, {}))


def test_old_api_finds_a_run_in_the_whole_list() -> None:
    """There is no way to ask for one run."""
    runs = [{"run_id": "r0", "state": "success"}, {"run_id": "r1", "state": "running"}]

    found, _ = play(OLD.find("d", "r1"), (200, runs))
    assert found is not None
    assert found.state == "running"
    assert play(OLD.find("d", "r2"), (200, runs))[0] is None
    assert play(OLD.find("d", "r2"), (400, {"error": "Dag id d not found in DagModel"}))[0] is None
    with pytest.raises(AirflowNotFound):
        play(OLD.find("d", "r2"), (200, {"runs": []}))


def test_old_api_tells_a_missing_dag_from_a_breakdown() -> None:
    """It answers 500 to both; its list of runs knows better."""
    assert play(OLD.dag("d"), (200, {"is_paused": False}))[0] == DagState(
        is_paused=False, has_import_errors=None
    )
    assert play(OLD.dag("d"), (500, None), (400, {"error": "Dag id d not found in DagModel"}))[0] is None
    listed, _ = play(OLD.dags(), (200, {"items": [{"dag_id": "d"}]}), (200, {"is_paused": True}))
    assert listed == {"d": DagState(is_paused=True, has_import_errors=None)}
    with pytest.raises(AirflowUnreachable):
        play(OLD.dag("d"), (500, None), (500, None))
    with pytest.raises(AirflowNotFound):
        play(OLD.dag("d"), (404, None))


def test_old_api_counts_running_runs_dag_by_dag() -> None:
    """A run is `running` at once there, also while its DAG is paused."""
    latest = {"items": [{"dag_id": "b"}, {"dag_id": "a"}, {"dag_id": "gone"}]}
    waiting, _ = play(
        OLD.waiting_runs(None),
        (200, latest),
        (200, {"is_paused": False}),
        (200, [{"run_id": "1"}]),
        (200, {"is_paused": True}),
        (200, [{"run_id": "1"}, {"run_id": "2"}]),
        (500, None),
        (400, {"error": "Dag id gone not found in DagModel"}),
    )

    assert waiting == WaitingRuns(of_active_dags=1, of_paused_dags=2)
    with pytest.raises(AirflowNotFound):
        play(OLD.dag_ids(), (200, {}))


def test_old_api_is_known_by_its_test_page() -> None:
    """It does not show its version."""
    assert play(OLD.version(), (200, {"status": "OK"}))[0] == "1.10"
    with pytest.raises(AirflowNotFound):
        play(OLD.version(), (200, {"status": "ok"}))
