"""A small client of Airflow 3's REST API, for tests and the demo."""

import re
import time
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 30
_PAGE = 100
POLL_SECONDS = 0.3
FINAL_STATES = frozenset({"success", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRun:
    """One DAG run as Airflow reports it."""

    run_id: str
    state: str
    conf: dict[str, Any]

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Self:
        """Build it from the API's response."""
        return cls(run_id=body["dag_run_id"], state=body["state"], conf=body["conf"] or {})


@dataclass(slots=True, kw_only=True)
class AirflowApi:
    """Logs in once, on first use. Every method raises `requests.HTTPError` for an error status."""

    base_url: str
    username: str
    password: str = field(repr=False)
    _token: str = field(default="", repr=False)

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run as a person would, with a run id of Airflow's own; return that id."""
        body = {"logical_date": None} | ({"conf": conf} if conf is not None else {})
        run_id: str = self._call("POST", f"dags/{quote(dag_id)}/dagRuns", body)["dag_run_id"]
        return run_id

    def dag_ids(self) -> set[str]:
        """Return the ids of all DAGs that are parsed and not paused."""
        return {dag["dag_id"] for dag in self._call("GET", "dags?limit=100&paused=false")["dags"]}

    def import_errors(self) -> list[str]:
        """Return the import errors of DAG files."""
        return [error["stack_trace"] for error in self._call("GET", "importErrors")["import_errors"]]

    def wait_for_dags(self, dag_ids: set[str], *, timeout_seconds: float = 60) -> None:
        """Wait until Airflow has parsed these DAGs.

        Raises:
            TimeoutError: some are missing; with what could not be imported.
        """
        deadline = time.monotonic() + timeout_seconds
        while missing := dag_ids - self.dag_ids():
            if time.monotonic() >= deadline:
                msg = f"no such DAGs after {timeout_seconds:g} s: {sorted(missing)} {self.import_errors()}"
                raise TimeoutError(msg)
            time.sleep(POLL_SECONDS)

    def runs(self, dag_id: str) -> list[DagRun]:
        """Return the runs of a DAG, the newest first, page by page."""
        runs: list[DagRun] = []
        while True:
            query = f"limit={_PAGE}&offset={len(runs)}&order_by=-run_after"
            found = self._call("GET", f"dags/{quote(dag_id)}/dagRuns?{query}")
            runs += [DagRun.from_json(body) for body in found["dag_runs"]]
            if len(found["dag_runs"]) < _PAGE:
                return runs

    def run(self, dag_id: str, run_id: str) -> DagRun:
        """Return one run."""
        return DagRun.from_json(self._call("GET", f"dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"))

    def wait_for_run(self, dag_id: str, run_id: str, *, timeout_seconds: float = 120) -> DagRun:
        """Wait until a run has succeeded or failed.

        Raises:
            TimeoutError: it did neither.
        """
        deadline = time.monotonic() + timeout_seconds
        while (run := self.run(dag_id, run_id)).state not in FINAL_STATES:
            if time.monotonic() >= deadline:
                msg = f"{dag_id} {run_id} still {run.state} after {timeout_seconds:g} s"
                raise TimeoutError(msg)
            time.sleep(POLL_SECONDS)
        return run

    def task_log(self, dag_id: str, run_id: str, task_id: str, *, attempt: int = 1) -> list[str]:
        """Return the messages that a task logged, in order."""
        path = f"dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}/taskInstances/{quote(task_id)}"
        content = self._call("GET", f"{path}/logs/{attempt}?full_content=true")["content"]
        return [str(line["event"]) for line in content]

    def xcom(self, dag_id: str, run_id: str, task_id: str, *, key: str = "return_value") -> Any:
        """Return the XCom value that a task returned."""
        path = f"dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}/taskInstances/{quote(task_id)}"
        return self._call("GET", f"{path}/xcomEntries/{quote(key)}?deserialize=true")["value"]

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if not self._token:
            login = {"username": self.username, "password": self.password}
            answer = requests.post(f"{self.base_url}/auth/token", json=login, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            self._token = answer.json()["access_token"]
        answer = requests.request(
            method,
            f"{self.base_url}/api/v2/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self._token}", "Accept": "application/json"},
            timeout=TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def logged_conf(log: list[str]) -> str | None:
    """Return the JSON of the first line in which an example DAG logs its conf (`conf: {...}`)."""
    return next((match[1] for line in log if (match := re.match(r"conf: (\{.*\})$", line))), None)
