"""`StableApi`: what the stable REST APIs of Airflow 2 and 3 have in common.

https://airflow.apache.org/docs/apache-airflow/2.11.0/stable-rest-api-ref.html
https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from shared.airflow.answer import Answer
from shared.airflow.call import Call, Exchange
from shared.airflow.dialect import DagState, Health, Triggered, WaitingRuns, quoted, unexpected
from shared.airflow.meaning import Meaning, meaning_of
from shared.model.run_request import RunRequest

_PAGE = 100
_MOST_DAGS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StableApi:
    """Calls below one prefix.

    Attributes:
        name: Of the dialect, and of the prefix.
        trigger_body: What is posted for a run.
        active_only: Query that leaves out the DAGs whose files are gone.
        health_path: Where the monitor is.
        hides_bad_credentials: Whether a bad password is answered like a missing permission (403).
        hides_taken_dates: See `Dialect`.
    """

    name: str
    trigger_body: Callable[[RunRequest], dict[str, object]]
    active_only: Mapping[str, str]
    health_path: str
    hides_bad_credentials: bool = False
    hides_taken_dates: bool = False

    def trigger(self, run: RunRequest) -> Exchange[Triggered]:
        """`POST /dags/{dag_id}/dagRuns`; who is refused may be asked whether it may list DAGs at all."""
        answer = yield Call(
            method="POST", path=self._path("dags", run.dag_id, "dagRuns"), body=self.trigger_body(run)
        )
        is_ours = _object(answer).get("dag_run_id") == run.run_id
        meaning = meaning_of(answer, run.run_id, is_ours=is_ours)
        if meaning is Meaning.FORBIDDEN and self.hides_bad_credentials:
            listed = yield Call(method="GET", path=self._path("dags"), query={"limit": 1})
            if listed.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                meaning = Meaning.BAD_CREDENTIALS
        return Triggered(meaning=meaning, answer=answer)

    def find(self, dag_id: str, run_id: str) -> Exchange[str | None]:
        """`GET /dags/{dag_id}/dagRuns/{dag_run_id}`."""
        answer = yield Call(method="GET", path=self._path("dags", dag_id, "dagRuns", run_id))
        if answer.status == HTTPStatus.OK and _object(answer).get("dag_run_id") == run_id:
            return str(_object(answer).get("state"))
        if _says_missing("dag ?run", answer):
            return None
        raise unexpected(answer, doing="looking up a run")

    def dag_ids(self) -> Exchange[list[str]]:
        """`GET /dags` in a fixed order, so that pages do not overlap; the first 2,000."""
        return (yield from self._dag_ids({}))

    def dag(self, dag_id: str) -> Exchange[DagState | None]:
        """`GET /dags/{dag_id}`."""
        answer = yield Call(method="GET", path=self._path("dags", dag_id))
        dag = _object(answer)
        if answer.status == HTTPStatus.OK and isinstance(dag.get("is_paused"), bool):
            return DagState(is_paused=dag["is_paused"], has_import_errors=dag.get("has_import_errors"))
        if _says_missing("dag", answer):
            return None
        raise unexpected(answer, doing="asking for a DAG")

    def waiting_runs(self, dag_id: str | None) -> Exchange[WaitingRuns]:
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

    def health(self) -> Exchange[Health]:
        """Ask the monitor: database and scheduler."""
        answer = yield Call(method="GET", path=self.health_path)
        return read_health(answer)

    def version(self) -> Exchange[str]:
        """`GET /version`, which needs no log-in."""
        answer = yield Call(method="GET", path=self._path("version"))
        version = _object(answer).get("version")
        if answer.status == HTTPStatus.OK and isinstance(version, str):
            return version
        raise unexpected(answer, doing="asking for its version")

    def _path(self, *segments: str) -> str:
        return "/".join(["/api", self.name, *(quoted(segment) for segment in segments)])

    def _dag_ids(self, query: Mapping[str, str]) -> Exchange[list[str]]:
        found: list[str] = []
        for offset in range(0, _MOST_DAGS, _PAGE):
            page: dict[str, str | int] = {"limit": _PAGE, "offset": offset, "order_by": "dag_id"}
            answer = yield Call(
                method="GET", path=self._path("dags"), query={**page, **self.active_only, **query}
            )
            dags = _object(answer).get("dags")
            total = _object(answer).get("total_entries")
            if answer.status != HTTPStatus.OK or not isinstance(dags, list) or not isinstance(total, int):
                raise unexpected(answer, doing="listing DAGs")
            found += [str(dag["dag_id"]) for dag in dags if isinstance(dag, dict) and "dag_id" in dag]
            if not dags or offset + _PAGE >= total:
                break
        return found

    def _count_queued(self, dag_ids: list[str] | None) -> Exchange[int]:
        body: dict[str, object] = {"states": ["queued"], "page_limit": 1}
        if dag_ids is not None:
            body["dag_ids"] = dag_ids
        answer = yield Call(method="POST", path=f"/api/{self.name}/dags/~/dagRuns/list", body=body)
        total = _object(answer).get("total_entries")
        if answer.status == HTTPStatus.OK and isinstance(total, int):
            return total
        raise unexpected(answer, doing="counting runs")


def read_health(answer: Answer) -> Health:
    """Read `{"metadatabase": {"status": …}, "scheduler": {"status": …}}`, the same in all generations."""
    parts = _object(answer)
    if answer.status != HTTPStatus.OK or not isinstance(parts.get("metadatabase"), dict):
        raise unexpected(answer, doing="asking for its health")
    scheduler = parts.get("scheduler")
    return Health(
        database=parts["metadatabase"].get("status"),
        scheduler=scheduler.get("status") if isinstance(scheduler, dict) else None,
    )


def _object(answer: Answer) -> dict[str, Any]:
    return answer.json if isinstance(answer.json, dict) else {}


def _says_missing(what: str, answer: Answer) -> bool:
    is_said = re.search(f"{what}.* not found", answer.words, re.IGNORECASE | re.DOTALL)
    return answer.status == HTTPStatus.NOT_FOUND and isinstance(answer.json, dict) and bool(is_said)
