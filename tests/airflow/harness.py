"""`AirflowHarness`: one real Airflow of any generation, and clients of it as the settings build them."""

import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.auth import AuthBase

from local.airflow import Airflow
from shared.airflow.build import build_airflow_client
from shared.airflow.client import AirflowClient
from shared.config.settings import Settings
from shared.event_log import EventLog
from shared.model.errors import RetryableError
from shared.model.run_request import RunRequest
from tests.key_vault.azure import Azure
from tests.support.airflow_server import AirflowServer

READ_SECONDS = 0.6

STORAGE = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "LandingStorage": "UseDevelopmentStorage=true",
}
TIMEOUT_SECONDS = 60


@dataclass(slots=True, kw_only=True)
class AirflowHarness:
    """A running Airflow.

    Attributes:
        airflow: Its processes.
        api: The dialect that it speaks.
        log: Where its clients log.
    """

    airflow: Airflow
    api: str
    log: EventLog = field(default_factory=EventLog)

    @property
    def threads(self) -> int:
        """How many threads trigger at once.

        Airflow 3 stalls for 30 s at a time when more requests are in work than its 15 database connections:
        `make test-airflow` goes that far on PostgreSQL. On SQLite it gets on for minutes with nothing then.
        """
        if self.api == "v2" and not self.airflow.place.database_url:
            return 8
        return int(os.environ.get("AIRFLOW_THREADS", "12"))

    def environment(self, **changes: str) -> dict[str, str]:
        """Return app settings for it."""
        return {
            "AIRFLOW_BASE_URL": self.airflow.base_url,
            "AIRFLOW_DAG_ID": "contract_take",
            "AIRFLOW_USERNAME": self.airflow.username,
            "AIRFLOW_PASSWORD": self.airflow.password,
            **STORAGE,
            **changes,
        }

    def client(self, **changes: str) -> AirflowClient:
        """Build a client with some settings changed."""
        return client_of(self.environment(**changes), self.log)

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """List all runs of a DAG, not by way of the client under test."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(f"dags/{dag_id}/dagRuns", limit=100, offset=len(found))
            if isinstance(page, list):
                return page
            found += page["dag_runs"]
            if len(found) >= page["total_entries"]:
                return found

    def run_ids(self, dag_id: str, prefix: str) -> list[str]:
        """List the ids of the runs that begin so, sorted."""
        key = "run_id" if self.api == "experimental" else "dag_run_id"
        return sorted(run[key] for run in self.runs(dag_id) if run[key].startswith(prefix))

    def get(self, path: str, **query: Any) -> Any:
        """Ask the API."""
        answer = self.send("GET", path, params=query)
        answer.raise_for_status()
        return answer.json()

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request as the administrator; `dagRuns` is translated for the old API."""
        if self.api == "experimental":
            path = path.replace("dagRuns", "dag_runs")
        url = f"{self.airflow.base_url}/api/{self.api}/{path}"
        return requests.request(method, url, auth=self.auth(), timeout=TIMEOUT_SECONDS, **options)

    def auth(self) -> AuthBase | tuple[str, str]:
        """Log in as the administrator."""
        if self.api != "v2":
            return self.airflow.username, self.airflow.password
        return _Bearer(self.log_in(self.airflow.username, self.airflow.password))

    def log_in(self, username: str, password: str) -> str:
        """Get a token of Airflow 3."""
        body = {"username": username, "password": password}
        answer = requests.post(f"{self.airflow.base_url}/auth/token", json=body, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def wait_for_dags(self, dag_ids: set[str], *, timeout_seconds: float = 90) -> None:
        """Wait until Airflow has read these DAGs."""
        client = self.client()
        end = time.monotonic() + timeout_seconds
        while missing := {dag_id for dag_id in dag_ids if client.dag(dag_id) is None}:
            if time.monotonic() > end:
                msg = f"no such DAGs after {timeout_seconds:g} s: {sorted(missing)}"
                raise TimeoutError(msg)
            time.sleep(0.5)


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def client_of(environ: Mapping[str, str], log: EventLog, **seconds: Any) -> AirflowClient:
    """Build a client as the app does, but for the times that no setting changes."""
    return build_airflow_client(Settings.from_env(environ), environ, log, **seconds)


def run_request(**changes: Any) -> RunRequest:
    """Return a run with an id of its own."""
    values = {
        "dag_id": "contract_take",
        "run_id": f"t-{uuid.uuid4().hex}",
        "conf": {"filename": "a.csv", "size": 0},
        "route": "default",
        "route_id": "default",
    }
    return RunRequest(**{**values, **changes})


def deliver(client: AirflowClient, run: RunRequest, *, timeout_seconds: float) -> str:
    """Deliver a run as the app does in the end: again and again, always with the same run id."""
    end = time.monotonic() + timeout_seconds
    while True:
        try:
            return client.trigger(run).value
        except RetryableError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def impatient_client(base_url: str, **changes: str) -> AirflowClient:
    """Build a client with short time-outs."""
    environ = {
        "AIRFLOW_BASE_URL": base_url,
        "AIRFLOW_USERNAME": "app",
        "AIRFLOW_PASSWORD": "secret",
        "AIRFLOW_READ_TIMEOUT_SECONDS": str(READ_SECONDS),
        "AIRFLOW_CONNECT_TIMEOUT_SECONDS": "2",
        "AIRFLOW_DAG_ID": "copy_file",
        **STORAGE,
        **changes,
    }
    return client_of(environ, EventLog())


def vault_client(
    server: AirflowServer,
    azure: Azure,
    log: EventLog,
    *,
    cache: float = 300,
    refusal_pause: float = 1,
    **changes: str,
) -> AirflowClient:
    """Build a client whose credentials are in the vault; times in seconds."""
    environ = {
        "AIRFLOW_BASE_URL": server.base_url,
        "KEY_VAULT_URI": azure.vault_uri,
        "AIRFLOW_DAG_ID": "copy_file",
        **STORAGE,
        **changes,
    }
    return client_of(environ, log, key_vault_cache_seconds=cache, refusal_pause_seconds=refusal_pause)
