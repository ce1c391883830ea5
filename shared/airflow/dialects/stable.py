"""`StableApi`: what the stable REST APIs of Airflow 2 and 3 have in common.

https://airflow.apache.org/docs/apache-airflow/2.11.0/stable-rest-api-ref.html
https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from shared.airflow.dialects.base import DagState, ImportFault, WaitingRuns, quoted
from shared.airflow.request import Flow, Request
from shared.airflow.response import Response
from shared.airflow.responses import DAG_NOT_FOUND, INVALID_JWT, Triggered, classify, refused, unexpected
from shared.model.errors import Forbidden
from shared.model.run_request import RunRequest

_ERROR_KEY = "detail"
_RUN_NOT_FOUND = r"(the )?dag ?run\b.* not found"
_PAGE = 100
_MAX_DAGS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StableApi:
    """The calls below one prefix.

    Attributes:
        name: Name of the dialect, and of the prefix.
        trigger_body: Makes the body that is posted for a run.
        active_only: Query that leaves out the DAGs whose files are gone.
        hides_bad_credentials: Whether a bad password is answered like a missing permission (403).
        hides_taken_dates: See `Dialect`.
    """

    name: str
    trigger_body: Callable[[RunRequest], dict[str, object]]
    active_only: Mapping[str, str]
    hides_bad_credentials: bool = False
    hides_taken_dates: bool = False

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

    def find(self, dag_id: str, run_id: str) -> Flow[str | None]:
        """`GET /dags/{dag_id}/dagRuns/{dag_run_id}`."""
        response = yield Request(method="GET", path=self._path("dags", dag_id, "dagRuns", run_id))
        if response.status == HTTPStatus.OK and response.object.get("dag_run_id") == run_id:
            return str(response.object.get("state"))
        if _says(_RUN_NOT_FOUND, response):
            return None
        raise unexpected(response, doing="looking up a run")

    def dag_ids(self) -> Flow[list[str]]:
        """`GET /dags` in a fixed order, so that pages do not overlap; the first 2,000."""
        return (yield from self._dag_ids({}))

    def dag(self, dag_id: str) -> Flow[DagState | None]:
        """`GET /dags/{dag_id}`."""
        response = yield Request(method="GET", path=self._path("dags", dag_id))
        dag = response.object
        if response.status == HTTPStatus.OK and isinstance(dag.get("is_paused"), bool):
            file = dag.get("relative_fileloc") or dag.get("fileloc")
            return DagState(
                is_paused=dag["is_paused"],
                has_import_errors=dag.get("has_import_errors"),
                file=file if isinstance(file, str) else "",
            )
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
        paused = yield from self._dag_ids({"paused": "true"})
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

    def _dag_ids(self, query: Mapping[str, str]) -> Flow[list[str]]:
        found: list[str] = []
        for offset in range(0, _MAX_DAGS, _PAGE):
            page: dict[str, str | int] = {"limit": _PAGE, "offset": offset, "order_by": "dag_id"}
            response = yield Request(
                method="GET", path=self._path("dags"), query={**page, **self.active_only, **query}
            )
            dags = response.object.get("dags")
            total = response.object.get("total_entries")
            if response.status != HTTPStatus.OK or not isinstance(dags, list) or not isinstance(total, int):
                raise unexpected(response, doing="listing DAGs")
            found += [str(dag["dag_id"]) for dag in dags if isinstance(dag, dict) and "dag_id" in dag]
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


def _says(text: str, response: Response) -> bool:
    return response.status == HTTPStatus.NOT_FOUND and response.error_begins(text, key=_ERROR_KEY)
