"""What the answers to a trigger call mean: one table for all generations."""

import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from shared.airflow.answer import Answer
from shared.airflow.meaning import TABLE, Meaning, meaning_of

ANSWERS = [
    (200, {"dag_run_id": "other"}, "", Meaning.FOREIGN),
    (204, None, "", Meaning.FOREIGN),
    (302, None, "", Meaning.FOREIGN),
    (400, {"error": "Run id r1 already exists for dag id d"}, "", Meaning.EXISTS),
    (400, {"error": "Run id r11 already exists for dag id d"}, "", Meaning.REFUSED),
    (400, {"detail": "DAG with dag_id: 'd' has import errors"}, "", Meaning.DAG_BROKEN),
    (
        400,
        {"detail": "Dag with dag_id: 'd' has import errors and cannot be triggered"},
        "",
        Meaning.DAG_BROKEN,
    ),
    (400, {"detail": "Dag with dag_id: 'd' does not allow manual runs"}, "", Meaning.REFUSED),
    (400, {"detail": "Invalid input for param filename: No value passed"}, "", Meaning.REFUSED),
    (400, None, "text/html", Meaning.FOREIGN),
    (401, None, "text/html", Meaning.BAD_CREDENTIALS),
    (401, {"detail": "Token Expired"}, "", Meaning.BAD_CREDENTIALS),
    (403, {"detail": "Invalid JWT token"}, "", Meaning.BAD_CREDENTIALS),
    (403, {"detail": "Forbidden"}, "", Meaning.FORBIDDEN),
    (403, {"detail": None, "title": "Forbidden"}, "", Meaning.FORBIDDEN),
    (403, None, "text/html", Meaning.BAD_CREDENTIALS),
    (404, {"detail": "Dag with dag_id: 'nope' not found"}, "", Meaning.DAG_MISSING),
    (404, {"error": "Dag id nope not found in DagModel"}, "", Meaning.DAG_MISSING),
    (404, {"detail": "Not Found"}, "", Meaning.FOREIGN),
    (404, {"detail": "/api/v1 has been removed in Airflow 3"}, "", Meaning.FOREIGN),
    (404, None, "text/html", Meaning.FOREIGN),
    (408, None, "", Meaning.UNCLEAR),
    (409, {"detail": {"reason": "Unique constraint violation"}}, "", Meaning.CONFLICT),
    (409, None, "", Meaning.CONFLICT),
    (413, None, "text/html", Meaning.REFUSED),
    (418, {}, "", Meaning.FOREIGN),
    (422, {"detail": [{"loc": ["body", "conf"], "msg": "bad"}]}, "", Meaning.REFUSED),
    (422, None, "", Meaning.FOREIGN),
    (429, None, "", Meaning.BUSY),
    (500, None, "text/html", Meaning.UNCLEAR),
    (503, None, "", Meaning.UNCLEAR),
    (100, None, "", Meaning.FOREIGN),
]


@pytest.mark.parametrize(("status", "body", "kind", "meaning"), ANSWERS)
def test_answer_means_the_same_in_all_generations(
    status: int, body: Any, kind: str, meaning: Meaning
) -> None:
    """One table; the first row that matches counts."""
    answer = Answer(status=status, json=body, content_type=kind)

    assert meaning_of(answer, "r1", is_ours=False) is meaning


def test_any_success_that_holds_our_run_id_is_a_created_run() -> None:
    """A gateway may turn 200 into 201."""
    for status in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
        assert meaning_of(Answer(status=status, json={}), "r1", is_ours=True) is Meaning.CREATED


def test_every_row_of_the_table_is_tested() -> None:
    """A row that no answer reaches would be a wish."""
    reached = {
        next(row for row in TABLE if row.matches(Answer(status=status, json=body), "r1", is_ours=False))
        for status, body, _, _ in ANSWERS
        if status >= 200
    }

    assert set(TABLE) - reached == {TABLE[0]}


def test_docs_show_the_table_of_the_code() -> None:
    """What people read is what the code does."""
    text = (Path(__file__).parents[2] / "docs" / "airflow.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d\d|\dxx) \| (.*?) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)

    assert [(row.status_text, row.condition, row.meaning.value, row.seen) for row in TABLE] == rows
