"""Airflow 3: `/api/v2`. Measured against 3.3.2; `docs/airflow.md` holds the table of answers."""

from http import HTTPStatus
from urllib.parse import quote

from shared.airflow.answer import Answer
from shared.airflow.call import Call
from shared.airflow.dialect import DagPage, Meaning
from shared.errors import NotAirflow, TryAgain
from shared.run_request import RunRequest

_MEANINGS: dict[int, Meaning] = {
    HTTPStatus.BAD_REQUEST: Meaning.REFUSED,
    HTTPStatus.UNAUTHORIZED: Meaning.REFUSED_CREDENTIALS,
    HTTPStatus.FORBIDDEN: Meaning.FORBIDDEN,
    HTTPStatus.NOT_FOUND: Meaning.DAG_MISSING,
    # A repeated run id or a taken logical date: the answer hides which.
    HTTPStatus.CONFLICT: Meaning.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY: Meaning.REFUSED,
    HTTPStatus.TOO_MANY_REQUESTS: Meaning.BUSY,
}


class V2:
    """The dialect of Airflow 3."""

    name = "v2"

    def trigger(self, run: RunRequest) -> Call:
        """`POST /dags/{dag_id}/dagRuns`; `logical_date` must be there, null is the safe value."""
        return Call(
            method="POST",
            path=f"/api/v2/dags/{_quoted(run.dag_id)}/dagRuns",
            body={
                "dag_run_id": run.run_id,
                "logical_date": run.logical_date.isoformat() if run.logical_date else None,
                "conf": run.conf,
            },
        )

    def triggered(self, run: RunRequest, answer: Answer) -> Meaning:
        """Read the answer to `trigger`; only JSON that holds our run id is a created run."""
        if answer.status == HTTPStatus.OK:
            ours = isinstance(answer.json, dict) and answer.json.get("dag_run_id") == run.run_id
            return Meaning.CREATED if ours else Meaning.FOREIGN
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Meaning.UNCLEAR
        if not isinstance(answer.json, dict):
            return Meaning.FOREIGN
        return _MEANINGS.get(answer.status, Meaning.FOREIGN)

    def find(self, dag_id: str, run_id: str) -> Call:
        """`GET /dags/{dag_id}/dagRuns/{dag_run_id}`."""
        return Call(method="GET", path=f"/api/v2/dags/{_quoted(dag_id)}/dagRuns/{_quoted(run_id)}")

    def found(self, run_id: str, answer: Answer) -> str | None:
        """Read the answer to `find`; see `Dialect.found`."""
        if isinstance(answer.json, dict):
            if answer.status == HTTPStatus.OK and answer.json.get("dag_run_id") == run_id:
                return str(answer.json.get("state"))
            if answer.status == HTTPStatus.NOT_FOUND and "detail" in answer.json:
                return None
        raise unexpected(answer, doing="looking up a run")

    def list_dags(self, *, limit: int, offset: int) -> Call:
        """`GET /dags`, in a fixed order so that pages do not overlap."""
        return Call(
            method="GET",
            path="/api/v2/dags",
            query={"limit": limit, "offset": offset, "order_by": "dag_id", "exclude_stale": "true"},
        )

    def listed_dags(self, answer: Answer) -> DagPage:
        """Read the answer to `list_dags`; see `Dialect.listed_dags`."""
        if answer.status == HTTPStatus.OK and isinstance(answer.json, dict):
            dags = answer.json.get("dags")
            total = answer.json.get("total_entries")
            if isinstance(dags, list) and isinstance(total, int):
                return DagPage(dag_ids=tuple(str(dag["dag_id"]) for dag in dags), total=total)
        raise unexpected(answer, doing="listing DAGs")


def unexpected(answer: Answer, *, doing: str) -> TryAgain:
    """Make the error for an answer that no row of the table explains."""
    return NotAirflow(f"Airflow answered {answer.status} to {doing}: {answer.words}")


def _quoted(segment: str) -> str:
    return quote(segment, safe="")
