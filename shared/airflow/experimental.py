"""Airflow 1.10: `/api/experimental`. Measured against 1.10.15.

https://airflow.apache.org/docs/apache-airflow/1.10.15/rest-api-ref.html
"""

from http import HTTPStatus
from typing import Any

from shared.airflow.answer import Answer
from shared.airflow.call import Call, Exchange
from shared.airflow.dialect import DagState, Health, Triggered, WaitingRuns, quoted, unexpected
from shared.airflow.meaning import meaning_of
from shared.airflow.stable import read_health
from shared.model.run_request import RunRequest

_PREFIX = "/api/experimental"
_ALL_RUNS_BYTES = 32 * 1024 * 1024
"""There is no way to ask for one run: a DAG's whole list comes, some 300 bytes a run."""


class Experimental:
    """The dialect of Airflow 1.10.

    A run that is triggered by hand is `running` at once, also while its DAG is paused, so those are the
    runs that wait.
    """

    name = "experimental"
    hides_taken_dates = True

    def trigger(self, run: RunRequest) -> Exchange[Triggered]:
        """`POST /dags/{dag_id}/dag_runs`.

        Microseconds are cut off unless `replace_microseconds` is the text "false" (the boolean is a 500), and
        then two blobs of one second collide.
        """
        body: dict[str, object] = {"run_id": run.run_id, "conf": run.conf, "replace_microseconds": "false"}
        if run.logical_date:
            body["execution_date"] = run.logical_date.isoformat()
        answer = yield Call(method="POST", path=_path("dags", run.dag_id, "dag_runs"), body=body)
        is_ours = isinstance(answer.json, dict) and answer.json.get("run_id") == run.run_id
        return Triggered(meaning=meaning_of(answer, run.run_id, is_ours=is_ours), answer=answer)

    def find(self, dag_id: str, run_id: str) -> Exchange[str | None]:
        """`GET /dags/{dag_id}/dag_runs`, and look for it in the list."""
        runs = yield from _runs(dag_id)
        return next((str(run.get("state")) for run in runs if run.get("run_id") == run_id), None)

    def dag_ids(self) -> Exchange[list[str]]:
        """`GET /latest_runs`: DAGs that never ran are not in it, and there is no other list."""
        answer = yield Call(method="GET", path=_path("latest_runs"), max_answer_bytes=_ALL_RUNS_BYTES)
        items = answer.json.get("items") if isinstance(answer.json, dict) else None
        if answer.status == HTTPStatus.OK and isinstance(items, list):
            return sorted({str(item["dag_id"]) for item in items})
        raise unexpected(answer, doing="listing DAGs")

    def dag(self, dag_id: str) -> Exchange[DagState | None]:
        """`GET /dags/{dag_id}/paused`, which breaks with a 500 on a DAG that is not there."""
        answer = yield Call(method="GET", path=_path("dags", dag_id, "paused"))
        is_paused = answer.json.get("is_paused") if isinstance(answer.json, dict) else None
        if answer.status == HTTPStatus.OK and isinstance(is_paused, bool):
            return DagState(is_paused=is_paused, has_import_errors=None)
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            there = yield Call(method="GET", path=_path("dags", dag_id, "dag_runs"), query={"state": "none"})
            if _says_no_dag(there):
                return None
        raise unexpected(answer, doing="asking for a DAG")

    def waiting_runs(self, dag_id: str | None) -> Exchange[WaitingRuns]:
        """Count the running runs of each DAG: two calls for each, there is no count of all."""
        counts = {True: 0, False: 0}
        for each in [dag_id] if dag_id is not None else (yield from self.dag_ids()):
            state = yield from self.dag(each)
            if state is not None:
                counts[state.is_paused] += len((yield from _runs(each, state="running")))
        return WaitingRuns(of_active_dags=counts[False], of_paused_dags=counts[True])

    def health(self) -> Exchange[Health]:
        """`GET /health`, outside the API."""
        return read_health((yield Call(method="GET", path="/health")))

    def version(self) -> Exchange[str]:
        """`GET /test`: it does not tell its version, but 1.10 is the last that has only this API."""
        answer = yield Call(method="GET", path=_path("test"))
        if answer.status == HTTPStatus.OK and answer.json == {"status": "OK"}:
            return "1.10"
        raise unexpected(answer, doing="asking whether it is there")


def _runs(dag_id: str, **query: str) -> Exchange[list[dict[str, Any]]]:
    answer = yield Call(
        method="GET",
        path=_path("dags", dag_id, "dag_runs"),
        query=query,
        max_answer_bytes=_ALL_RUNS_BYTES,
    )
    if answer.status == HTTPStatus.OK and isinstance(answer.json, list):
        return [run for run in answer.json if isinstance(run, dict)]
    if _says_no_dag(answer):
        return []
    raise unexpected(answer, doing="listing runs")


def _says_no_dag(answer: Answer) -> bool:
    return answer.status == HTTPStatus.BAD_REQUEST and "not found" in answer.words


def _path(*segments: str) -> str:
    return "/".join([_PREFIX, *(quoted(segment) for segment in segments)])
