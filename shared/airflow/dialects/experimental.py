"""Airflow 1.10: `/api/experimental`. Measured against 1.10.15.

https://airflow.apache.org/docs/apache-airflow/1.10.15/rest-api-ref.html
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from shared.airflow.dialects.base import (
    DagState,
    ImportFault,
    RunFacts,
    RunsPage,
    WaitingRuns,
    moment_of,
    quoted,
)
from shared.airflow.request import Flow, Request
from shared.airflow.response import Response
from shared.airflow.responses import DAG_NOT_FOUND, Triggered, classify, refused, unexpected
from shared.model.run_request import RunRequest

_ERROR_KEY = "error"
_PREFIX = "/api/experimental"
_ALL_RUNS_BYTES = 32 * 1024 * 1024
"""One run cannot be requested: the whole list of a DAG comes, about 300 bytes for each run."""


class Experimental:
    """The dialect of Airflow 1.10.

    A run that is triggered by hand is `running` at once, also while its DAG is paused, so the running ones
    are the waiting ones.
    """

    name = "experimental"
    hides_taken_dates = True
    lists_conf = False

    def trigger(self, run: RunRequest) -> Flow[Triggered]:
        """`POST /dags/{dag_id}/dag_runs`.

        Microseconds are cut off unless `replace_microseconds` is the text "false" (the boolean is a 500), and
        two blobs of one second would collide.
        """
        body: dict[str, object] = {"run_id": run.run_id, "conf": run.conf, "replace_microseconds": "false"}
        if run.logical_date:
            body["execution_date"] = run.logical_date.isoformat()
        response = yield Request(method="POST", path=_path("dags", run.dag_id, "dag_runs"), body=body)
        is_ours = response.object.get("run_id") == run.run_id
        return classify(response, run, error_key=_ERROR_KEY, is_ours=is_ours)

    def find(self, dag_id: str, run_id: str) -> Flow[RunFacts | None]:
        """`GET /dags/{dag_id}/dag_runs`, and search the list."""
        runs = yield from _runs(dag_id)
        return next((_facts(run, dag_id) for run in runs if run.get("run_id") == run_id), None)

    def runs(
        self,
        dag_id: str,
        page: str,  # noqa: ARG002  (the list has no pages)
        *,
        state: str = "",
        prefix: str = "",  # noqa: ARG002
        since: datetime | None = None,  # noqa: ARG002
    ) -> Flow[RunsPage]:
        """`GET /dags/{dag_id}/dag_runs`: all of them at once."""
        runs = yield from _runs(dag_id, **({"state": state} if state else {}))
        return RunsPage(runs=tuple(_facts(run, dag_id) for run in reversed(runs)))

    def params(self, dag_id: str) -> Flow[None]:  # noqa: ARG002
        """Nothing shows them."""
        yield from ()

    def dag_ids(self) -> Flow[list[str]]:
        """`GET /latest_runs`, the only list; it lacks DAGs that never ran."""
        response = yield Request(method="GET", path=_path("latest_runs"), max_response_bytes=_ALL_RUNS_BYTES)
        items = response.object.get("items")
        if response.status == HTTPStatus.OK and isinstance(items, list):
            return sorted({str(item["dag_id"]) for item in items})
        raise unexpected(response, doing="listing DAGs")

    def dags(self) -> Flow[dict[str, DagState]]:
        """Ask for each of `dag_ids`."""
        found: dict[str, DagState] = {}
        for dag_id in (yield from self.dag_ids()):
            state = yield from self.dag(dag_id)
            if state:
                found[dag_id] = state
        return found

    def dag(self, dag_id: str) -> Flow[DagState | None]:
        """`GET /dags/{dag_id}/paused`, which fails with a 500 for a missing DAG."""
        response = yield Request(method="GET", path=_path("dags", dag_id, "paused"))
        is_paused = response.object.get("is_paused")
        if response.status == HTTPStatus.OK and isinstance(is_paused, bool):
            return DagState(is_paused=is_paused, has_import_errors=None)
        if response.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            there = yield Request(
                method="GET", path=_path("dags", dag_id, "dag_runs"), query={"state": "none"}
            )
            if _says_no_dag(there):
                return None
        raise unexpected(response, doing="asking for a DAG")

    def import_faults(self) -> Flow[list[ImportFault]]:
        """There is no such list."""
        yield from ()
        return []

    def check_log_in(self) -> Flow[None]:
        """`GET /test`, which is behind the log-in, too; there are no roles."""
        response = yield Request(method="GET", path=_path("test"))
        if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise refused(response)
        if response.status != HTTPStatus.OK:
            raise unexpected(response, doing="checking the log-in")

    def waiting_runs(self, dag_id: str | None) -> Flow[WaitingRuns]:
        """Count the running runs of each DAG, with two calls for each: nothing counts all."""
        counts = {True: 0, False: 0}
        for each in [dag_id] if dag_id is not None else (yield from self.dag_ids()):
            state = yield from self.dag(each)
            if state is not None:
                counts[state.is_paused] += len((yield from _runs(each, state="running")))
        return WaitingRuns(of_active_dags=counts[False], of_paused_dags=counts[True])

    def version(self) -> Flow[str]:
        """`GET /test`: it shows no version, but 1.10 is the last that has only this API."""
        response = yield Request(method="GET", path=_path("test"))
        if response.status == HTTPStatus.OK and response.json == {"status": "OK"}:
            return "1.10"
        raise unexpected(response, doing="asking whether it is there")


def _runs(dag_id: str, **query: str) -> Flow[list[dict[str, Any]]]:
    response = yield Request(
        method="GET",
        path=_path("dags", dag_id, "dag_runs"),
        query=query,
        max_response_bytes=_ALL_RUNS_BYTES,
    )
    if response.status == HTTPStatus.OK and isinstance(response.json, list):
        return [run for run in response.json if isinstance(run, dict)]
    if _says_no_dag(response):
        return []
    raise unexpected(response, doing="listing runs")


def _facts(run: dict[str, Any], dag_id: str) -> RunFacts:
    return RunFacts(
        dag_id=dag_id,
        run_id=str(run.get("run_id")),
        state=str(run.get("state")),
        page=str(run.get("dag_run_url") or ""),
        started=moment_of(run.get("start_date")),
    )


def _says_no_dag(response: Response) -> bool:
    is_said = response.error_begins(DAG_NOT_FOUND, key=_ERROR_KEY)
    return response.status == HTTPStatus.BAD_REQUEST and is_said


def _path(*segments: str) -> str:
    return "/".join([_PREFIX, *(quoted(segment) for segment in segments)])
