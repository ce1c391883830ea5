"""`StableApi`: what the stable REST APIs of Airflow 2 and 3 have in common.

https://airflow.apache.org/docs/apache-airflow/2.11.0/stable-rest-api-ref.html
https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec

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
from shared.airflow.responses import DAG_NOT_FOUND, INVALID_JWT, Triggered, classify, refused, unexpected
from shared.model.conf import CONF_LIMIT_BYTES
from shared.model.errors import Forbidden
from shared.model.run_request import RunRequest

_ERROR_KEY = "detail"
_RUN_NOT_FOUND = r"(the )?dag ?run\b.* not found"
_PAGE = 100
_MAX_DAGS = 2_000


class StableApi(msgspec.Struct, frozen=True, kw_only=True):
    """The calls below one prefix.

    Attributes:
        name: Name of the dialect, and of the prefix.
        trigger_body: Makes the body that is posted for a run.
        active_only: Query that leaves out the DAGs whose files are gone.
        page_of_run: Path of a run in Airflow's own pages.
        list_options: Makes what the list of runs knows beyond limit, offset and state, from page, prefix and
            time.
        hides_bad_credentials: Whether a bad password is answered like a missing permission (403).
        hides_taken_dates: See `Dialect`.
    """

    name: str
    trigger_body: Callable[[RunRequest], dict[str, object]]
    active_only: Mapping[str, str]
    page_of_run: str
    list_options: Callable[[str, str, datetime | None], Mapping[str, str]] = lambda _page, _prefix, _since: {}
    hides_bad_credentials: bool = False
    hides_taken_dates: bool = False
    lists_conf: bool = True

    def trigger(self, run: RunRequest) -> Flow[Triggered]:
        """`POST /dags/{dag_id}/dagRuns`; after a 403 that may mean a bad password, ask something else."""
        response = yield Request(
            method="POST", path=self._path("dags", run.dag_id, "dagRuns"), body=self.trigger_body(run)
        )
        is_ours = response.object.get("dag_run_id") == run.run_id
        triggered = classify(response, run, error_key=_ERROR_KEY, is_ours=is_ours)
        if triggered.rule.outcome is Forbidden and self.hides_bad_credentials:
            is_rejected = self._is_refusal((yield from self._ask_as_user()))
            triggered = classify(
                response, run, error_key=_ERROR_KEY, is_ours=is_ours, is_listing_rejected=is_rejected
            )
        return triggered

    def find(self, dag_id: str, run_id: str) -> Flow[RunFacts | None]:
        """`GET /dags/{dag_id}/dagRuns/{dag_run_id}`."""
        response = yield Request(method="GET", path=self._path("dags", dag_id, "dagRuns", run_id))
        if response.status == HTTPStatus.OK and response.object.get("dag_run_id") == run_id:
            return self._facts(response.object, dag_id)
        if _says(_RUN_NOT_FOUND, response):
            return None
        raise unexpected(response, doing="looking up a run")

    def runs(
        self, dag_id: str, page: str, *, state: str = "", prefix: str = "", since: datetime | None = None
    ) -> Flow[RunsPage]:
        """`GET /dags/{dag_id}/dagRuns`, in the order in which runs were created, the last one first.

        Airflow 2 knows neither prefix nor cursor, and passes over them; so does an older Airflow 3.
        """
        query: dict[str, str | int] = {"limit": _PAGE, "order_by": "-id"}
        if state:
            query["state"] = state
        query |= self.list_options(page, prefix, since)
        query["offset"] = int(page) if page.isdecimal() else 0
        response = yield Request(
            method="GET",
            path=self._path("dags", dag_id, "dagRuns"),
            query=query,
            max_response_bytes=_PAGE * CONF_LIMIT_BYTES,
        )
        found, total = response.object.get("dag_runs"), response.object.get("total_entries")
        if response.status != HTTPStatus.OK or not isinstance(found, list):
            raise unexpected(response, doing="listing runs")
        runs = tuple(self._facts(run, dag_id) for run in found if isinstance(run, dict))
        if "next_cursor" in response.object:
            return RunsPage(runs=runs, next_page=response.object["next_cursor"] or "")
        end = int(query["offset"]) + len(found)
        is_last = not found or not isinstance(total, int) or end >= total
        return RunsPage(runs=runs, next_page="" if is_last else str(end))

    def params(self, dag_id: str) -> Flow[Mapping[str, Mapping[str, object]] | None]:
        """`GET /dags/{dag_id}/details`."""
        response = yield Request(method="GET", path=self._path("dags", dag_id, "details"))
        params = response.object.get("params")
        if response.status != HTTPStatus.OK or not isinstance(params, dict | None):
            raise unexpected(response, doing="asking for the params of a DAG")
        return {name: param for name, param in (params or {}).items() if isinstance(param, dict)}

    def dag_ids(self) -> Flow[list[str]]:
        """`GET /dags` in a fixed order, so that pages do not overlap; the first 2,000."""
        return list((yield from self._dags({})))

    def dags(self) -> Flow[dict[str, DagState]]:
        """As `dag_ids`."""
        return (yield from self._dags({}))

    def dag(self, dag_id: str) -> Flow[DagState | None]:
        """`GET /dags/{dag_id}`."""
        response = yield Request(method="GET", path=self._path("dags", dag_id))
        dag = response.object
        if response.status == HTTPStatus.OK and isinstance(dag.get("is_paused"), bool):
            return _state(dag)
        if _says(DAG_NOT_FOUND, response):
            return None
        raise unexpected(response, doing="asking for a DAG")

    def import_faults(self) -> Flow[list[ImportFault]]:
        """`GET /importErrors`."""
        response = yield Request(method="GET", path=self._path("importErrors"), query={"limit": _PAGE})
        faults = response.object.get("import_errors")
        if response.status != HTTPStatus.OK or not isinstance(faults, list):
            raise unexpected(response, doing="listing import errors")
        return [
            ImportFault(
                file=response.shown(str(fault.get("filename"))),
                text=response.shown(str(fault.get("stack_trace"))),
            )
            for fault in faults
            if isinstance(fault, dict)
        ]

    def check_log_in(self) -> Flow[None]:
        """List one DAG or, where that is forbidden, one run."""
        response = yield from self._ask_as_user()
        if self._is_refusal(response):
            raise refused(response)
        if response.status not in {HTTPStatus.OK, HTTPStatus.FORBIDDEN}:
            raise unexpected(response, doing="checking the log-in")

    def waiting_runs(self, dag_id: str | None) -> Flow[WaitingRuns]:
        """`POST /dags/~/dagRuns/list` of queued runs: those of all DAGs, then those of the paused ones."""
        paused = list((yield from self._dags({"paused": "true"})))
        if dag_id is not None:
            queued = yield from self._count_queued([dag_id])
            of_paused = queued if dag_id in paused else 0
        else:
            queued = yield from self._count_queued(None)
            of_paused = (yield from self._count_queued(paused)) if paused else 0
        # Two moments: a run may have left the queue in between.
        return WaitingRuns(of_active_dags=max(0, queued - of_paused), of_paused_dags=of_paused)

    def version(self) -> Flow[str]:
        """`GET /version`, which needs no log-in."""
        response = yield Request(method="GET", path=self._path("version"))
        version = response.object.get("version")
        if response.status == HTTPStatus.OK and isinstance(version, str):
            return response.shown(version)
        raise unexpected(response, doing="asking for its version")

    def _ask_as_user(self) -> Flow[Response]:
        response = yield Request(method="GET", path=self._path("dags"), query={"limit": 1})
        if response.status == HTTPStatus.FORBIDDEN and self.hides_bad_credentials:
            # The role may lack one permission; hardly all.
            response = yield Request(
                method="GET", path=self._path("dags", "~", "dagRuns"), query={"limit": 1}
            )
        return response

    def _is_refusal(self, response: Response) -> bool:
        """Tell whether a user's question was answered as if there was no such user."""
        if response.status == HTTPStatus.FORBIDDEN:
            is_known = isinstance(response.json, dict) and not self.hides_bad_credentials
            return not is_known or response.error_begins(INVALID_JWT, key=_ERROR_KEY)
        return response.status == HTTPStatus.UNAUTHORIZED

    def _path(self, *segments: str) -> str:
        return "/".join(["/api", self.name, *(quoted(segment) for segment in segments)])

    def _facts(self, run: Mapping[str, Any], dag_id: str) -> RunFacts:
        conf, run_id, dag_id = run.get("conf"), str(run.get("dag_run_id")), str(run.get("dag_id") or dag_id)
        return RunFacts(
            dag_id=dag_id,
            run_id=run_id,
            state=str(run.get("state")),
            page=self.page_of_run.format(dag=quoted(dag_id), run=quoted(run_id)),
            started=moment_of(run.get("start_date")),
            conf=conf if isinstance(conf, dict) else {},
            note=str(run.get("note") or ""),
        )

    def _dags(self, query: Mapping[str, str]) -> Flow[dict[str, DagState]]:
        found: dict[str, DagState] = {}
        for offset in range(0, _MAX_DAGS, _PAGE):
            page: dict[str, str | int] = {"limit": _PAGE, "offset": offset, "order_by": "dag_id"}
            response = yield Request(
                method="GET", path=self._path("dags"), query={**page, **self.active_only, **query}
            )
            dags = response.object.get("dags")
            total = response.object.get("total_entries")
            if response.status != HTTPStatus.OK or not isinstance(dags, list) or not isinstance(total, int):
                raise unexpected(response, doing="listing DAGs")
            found |= {
                str(dag["dag_id"]): _state(dag) for dag in dags if isinstance(dag, dict) and "dag_id" in dag
            }
            if not dags or offset + _PAGE >= total:
                break
        return found

    def _count_queued(self, dag_ids: list[str] | None) -> Flow[int]:
        body: dict[str, object] = {"states": ["queued"], "page_limit": 1}
        if dag_ids is not None:
            body["dag_ids"] = dag_ids
        response = yield Request(method="POST", path=f"/api/{self.name}/dags/~/dagRuns/list", body=body)
        total = response.object.get("total_entries")
        if response.status == HTTPStatus.OK and isinstance(total, int):
            return total
        raise unexpected(response, doing="counting runs")


def _state(dag: Mapping[str, Any]) -> DagState:
    file = dag.get("relative_fileloc") or dag.get("fileloc")
    return DagState(
        is_paused=bool(dag.get("is_paused")),
        has_import_errors=dag.get("has_import_errors"),
        file=file if isinstance(file, str) else "",
    )


def _says(text: str, response: Response) -> bool:
    return response.status == HTTPStatus.NOT_FOUND and response.error_begins(text, key=_ERROR_KEY)
