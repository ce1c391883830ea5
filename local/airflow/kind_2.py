"""Airflow 2: web server and scheduler, over SQLite; basic auth."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from local.airflow.fab_users import make_administrator
from local.airflow.kind import LOCKS, Place

HEALTH_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Airflow2:
    """The components of `airflow standalone` but for the triggerer."""

    name: str = "airflow-2"
    python: str = "3.11"
    lock: Path = LOCKS / "requirements-2.lock"
    build_constraints: Path | None = None
    migrate: Sequence[str] = ("db", "migrate")
    components: Sequence[Sequence[str]] = (("webserver",), ("scheduler",))

    def environment(self, place: Place) -> dict[str, str]:
        """Return the configuration: loopback only, DAGs seen within seconds, few processes."""
        return {
            "AIRFLOW_HOME": str(place.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(place.dags_folder),
            # The configuration file that its first command writes names the home that it had then.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{place.home}/airflow.db",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(place.home / "logs"),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor" if place.database_url else "SequentialExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(bytes.fromhex(place.secret)).decode(),
            "AIRFLOW__API__AUTH_BACKENDS": "airflow.api.auth.backend.basic_auth",
            "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
            "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(place.port),
            "AIRFLOW__WEBSERVER__BASE_URL": place.base_url,
            "AIRFLOW__WEBSERVER__SECRET_KEY": place.secret,
            "AIRFLOW__WEBSERVER__WORKERS": "2",
            "AIRFLOW__WEBSERVER__ENABLE_PROXY_FIX": "True",
            "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "3",
            "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "3",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(place.log_port),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }

    def prepare(self, place: Place) -> None:
        """Make the administrator, once there is a database to hold it."""
        make_administrator(self, place)

    def is_ready(self, place: Place, *, since: float) -> bool:
        """Ask the health page; a heartbeat of an earlier start does not count."""
        try:
            answer = requests.get(
                f"{place.base_url}/api/v1/health", timeout=HEALTH_TIMEOUT_SECONDS, allow_redirects=False
            )
            health: dict[str, dict[str, Any]] = answer.json() if answer.ok else {}
        except requests.RequestException:
            return False
        heartbeat = health.get("scheduler", {}).get("latest_scheduler_heartbeat")
        return heartbeat is not None and _seconds(heartbeat) > since


AIRFLOW_2 = Airflow2()


def _seconds(heartbeat: str) -> float:
    return datetime.fromisoformat(heartbeat).astimezone(UTC).timestamp()
