"""What responses mean: one table for all generations."""

import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from shared.airflow.advice import advice
from shared.airflow.response import Response
from shared.airflow.response_rule import ResponseKind
from shared.airflow.responses import RULES, Triggered, classify, unexpected
from shared.model.errors import (
    AirflowBusy,
    AirflowNotFound,
    AirflowUnclear,
    BlobToDagError,
    CredentialsRefused,
    DagBroken,
    DagMissing,
    Forbidden,
    NotAirflow,
    PermanentError,
    RunRefused,
)
from tests.airflow.harness import run_request

RUN = run_request(dag_id="d", run_id="r+1")
OURS_EXISTS = "DAGRun with DAG ID: 'd' and DAGRun ID: 'r+1' already exists"

type Outcome = ResponseKind | type[BlobToDagError]

RESPONSES: list[tuple[int, Any, Outcome]] = [
    (200, {"dag_run_id": "other"}, NotAirflow),
    (204, None, NotAirflow),
    (302, None, AirflowNotFound),
    (400, {"error": "Run id r+1 already exists for dag id d"}, ResponseKind.EXISTS),
    (400, {"error": "Run id r+11 already exists for dag id d"}, RunRefused),
    (400, {"error": "Run id rr1 already exists for dag id d"}, RunRefused),
    (400, {"detail": "DAG with dag_id: 'd' has import errors"}, DagBroken),
    (400, {"detail": "Dag with dag_id: 'd' has import errors and cannot be triggered"}, DagBroken),
    (400, {"detail": "Dag with dag_id: 'd' does not allow manual runs"}, DagBroken),
    (400, {"detail": "Invalid input for param filename: No value passed"}, RunRefused),
    (400, {"detail": ["a", "b"]}, RunRefused),
    (400, {"message": "Bad Request"}, NotAirflow),
    (400, {"title": "Bad Request", "detail": None}, NotAirflow),
    (400, {"detail": ""}, NotAirflow),
    (400, {"detail": []}, NotAirflow),
    (400, {"detail": {"code": 7}}, NotAirflow),
    (400, {}, NotAirflow),
    (400, None, NotAirflow),
    (401, None, CredentialsRefused),
    (401, {"detail": "Token Expired"}, CredentialsRefused),
    (403, {"detail": "Invalid JWT token"}, CredentialsRefused),
    (403, {"detail": "Forbidden"}, Forbidden),
    (403, {"detail": None, "title": "Forbidden"}, Forbidden),
    (403, None, CredentialsRefused),
    (404, {"detail": "Dag with dag_id: 'nope' not found"}, DagMissing),
    (404, {"detail": "The DAG with dag_id: nope was not found"}, DagMissing),
    (404, {"error": "Dag id nope not found in DagModel"}, DagMissing),
    (404, {"detail": "Not Found"}, AirflowNotFound),
    (404, {"detail": "/api/v1 has been removed in Airflow 3"}, AirflowNotFound),
    (404, None, AirflowNotFound),
    (405, {"detail": "Method Not Allowed"}, AirflowNotFound),
    (408, None, AirflowUnclear),
    (409, {"detail": OURS_EXISTS}, ResponseKind.EXISTS),
    (409, {"detail": OURS_EXISTS.replace("r+1", "rr1")}, ResponseKind.CONFLICT),
    (409, {"detail": OURS_EXISTS.replace("'d'", "'e'")}, ResponseKind.CONFLICT),
    (409, {"detail": f"See: {OURS_EXISTS}"}, ResponseKind.CONFLICT),
    (409, {"detail": {"reason": "Unique constraint violation"}}, ResponseKind.CONFLICT),
    (409, None, ResponseKind.CONFLICT),
    (413, None, RunRefused),
    (414, None, NotAirflow),
    (418, {}, NotAirflow),
    (422, {"detail": [{"loc": ["body", "conf"], "msg": "bad"}]}, RunRefused),
    (422, {"message": "Unprocessable"}, NotAirflow),
    (422, None, NotAirflow),
    (429, None, AirflowBusy),
    (500, None, AirflowUnclear),
    (503, None, AirflowUnclear),
    (100, None, NotAirflow),
    (999, None, NotAirflow),
]


def triggered(
    status: int, body: Any, *, is_ours: bool = False, is_listing_rejected: bool = False
) -> Triggered:
    """Classify a response; the text of an error is where its generation puts it."""
    return classify(
        Response(status=status, json=body),
        RUN,
        error_key="error" if isinstance(body, dict) and "error" in body else "detail",
        is_ours=is_ours,
        is_listing_rejected=is_listing_rejected,
    )


@pytest.mark.parametrize(("status", "body", "outcome"), RESPONSES)
def test_response_means_the_same_in_all_generations(status: int, body: Any, outcome: Outcome) -> None:
    """One table; the first rule that matches counts."""
    assert triggered(status, body).rule.outcome is outcome


@pytest.mark.parametrize("key", ["detail", "error"])
def test_error_of_another_generation_is_a_gateways(key: str) -> None:
    """`error` is the shape of 1.10 alone, `detail` that of 2 and 3."""
    response = Response(status=400, json={key: "invalid_request"})
    other = "error" if key == "detail" else "detail"

    assert classify(response, RUN, error_key=key, is_ours=False).rule.outcome is RunRefused
    assert classify(response, RUN, error_key=other, is_ours=False).rule.outcome is NotAirflow


NAMES = [
    "x has import errors.csv",
    "Dag with dag_id: 'd' has import errors.csv",
    "does not allow manual runs",
    "Dag with dag_id: 'd' not found",
    "Run id r+1 already exists for dag id d",
    OURS_EXISTS,
    "\n" + OURS_EXISTS,
    "Invalid JWT token",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", ["detail", "error"])
def test_file_name_that_a_refusal_repeats_changes_nothing(name: str, key: str) -> None:
    """A `Param(pattern=...)` quotes the value that it refuses."""
    refusal = f"Invalid input for param filename: '{name}' does not match '^[a-z]+$'"
    response = Response(status=400, json={key: refusal})

    assert classify(response, RUN, error_key=key, is_ours=False).rule.outcome is RunRefused


def test_ids_are_text_and_not_patterns() -> None:
    """A DAG id may contain dots."""
    other = Response(status=400, json={"detail": "Dag with dag_id: 'axb' has import errors"})

    assert (
        classify(other, run_request(dag_id="a.b"), error_key="detail", is_ours=False).rule.outcome
        is RunRefused
    )


def test_longest_ids_are_compared_whole() -> None:
    """The text is shortened for messages only."""
    run = run_request(dag_id="d" * 250, run_id="r" * 200)
    text = OURS_EXISTS.replace("'d'", f"'{run.dag_id}'").replace("r+1", run.run_id)
    response = Response(status=409, json={"detail": text + "." * 2_000})

    assert classify(response, run, error_key="detail", is_ours=False).rule.outcome is ResponseKind.EXISTS
    assert len(response.error_detail) == 2_000


def test_any_success_that_holds_our_run_id_is_a_created_run() -> None:
    """A gateway may turn 200 into 201."""
    for status in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
        assert triggered(status, {}, is_ours=True).rule.outcome is ResponseKind.CREATED


def test_every_rule_of_the_table_is_tested() -> None:
    """A rule that no response reaches would be a wish."""
    reached = [triggered(status, body).rule for status, body, _ in RESPONSES]
    reached.append(triggered(200, {}, is_ours=True).rule)
    reached.append(triggered(403, {}, is_listing_rejected=True).rule)
    page = Response(status=200, content_type="text/html; charset=utf-8")
    reached.append(classify(page, RUN, error_key="detail", is_ours=False).rule)

    assert [rule for rule in RULES if rule not in reached] == []


def test_question_means_the_same_by_status_alone() -> None:
    """`unexpected` looks at nothing else; and a question can neither create a run nor be refused for good."""
    by_status: dict[int, set[type]] = {}
    for rule in RULES[:-1]:
        for status in rule.statuses:
            by_status.setdefault(status, set()).add(rule.question)

    assert {status: kinds for status, kinds in by_status.items() if len(kinds) > 1} == {}
    assert not any(rule.question.may_have_been_sent for rule in RULES)
    assert not any(issubclass(rule.question, PermanentError) for rule in RULES)


def test_unexpected_response_to_a_question_says_what_was_asked() -> None:
    """With the time that the server asks for."""
    error = unexpected(Response(status=429, json={"detail": "slow"}, retry_after="7"), doing="listing DAGs")

    assert isinstance(error, AirflowBusy)
    assert str(error) == "Airflow answered 429 to listing DAGs: slow"
    assert error.retry_after_seconds == 7


def test_error_says_what_airflow_answered_and_what_to_do() -> None:
    """In that order, with one full stop between the two."""
    result = triggered(400, {"detail": "Dag with dag_id: 'd' has import errors."})

    assert str(result.error(RUN, DagBroken, advice(DagBroken))) == (
        "Airflow answered 400 to triggering 'd': Dag with dag_id: 'd' has import errors. "
        "Fix the DAG file; the run will be retried."
    )


def test_docs_show_the_table_of_the_code() -> None:
    """What people read is what the code does."""
    text = (Path(__file__).parents[2] / "docs" / "airflow.md").read_text(encoding="utf-8")
    shown = re.findall(
        r"^\| (\d\d\d|\dxx|other)(?:, (\d\d\d))? \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", text, re.MULTILINE
    )

    assert [
        (", ".join(filter(None, (first, second))), condition, outcome, question, seen)
        for first, second, condition, outcome, question, seen in shown
    ] == [
        (rule.status_text, rule.condition, rule.outcome_text, f"`{rule.question.__name__}`", rule.seen)
        for rule in RULES
    ]
