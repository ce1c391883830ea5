"""Airflow 3: API server, scheduler and DAG processor, over SQLite."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from local.airflow.kind import LOCKS, AirflowKind, Place

HEALTH_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Airflow3:
    """The components of `airflow standalone` but for the triggerer: nothing here defers.

    Started one by one, each has its own log, and the password is ours instead of one to be found in a file.
    """

    name: str = "airflow-3"
    python: str = "3.13"
    lock: Path = LOCKS / "requirements-3.lock"
    build_constraints: Path | None = None
    migrate: Sequence[str] = ("db", "migrate")
    components: Sequence[Sequence[str]] = (("api-server",), ("scheduler",), ("dag-processor",))

    def environment(self, place: Place) -> dict[str, str]:
        """Return the configuration: loopback only, DAGs seen within seconds, few processes."""
        return {
            "AIRFLOW_HOME": str(place.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(place.dags_folder),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            # Each slot is a process of 130 MB.
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(bytes.fromhex(place.secret)).decode(),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{place.base_url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{place.username}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords_file(place)),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(place.port),
            "AIRFLOW__API__BASE_URL": place.base_url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": place.secret,
            "AIRFLOW__API_AUTH__JWT_SECRET": place.secret,
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3",
            "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(place.log_port),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }

    def prepare(self, place: Place) -> None:
        """Write the password where the simple auth manager would otherwise put a random one.

        And an empty configuration file, which the components would otherwise all write at the same time.
        """
        (place.home / "airflow.cfg").touch()
        _passwords_file(place).write_text(json.dumps({place.username: place.password}), encoding="utf-8")

    def is_ready(self, place: Place, *, since: float) -> bool:
        """Ask the health page; a heartbeat of an earlier start does not count."""
        try:
            answer = requests.get(
                f"{place.base_url}/api/v2/monitor/health",
                timeout=HEALTH_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
            health: dict[str, dict[str, Any]] = answer.json() if answer.ok else {}
        except requests.RequestException:
            return False
        return all(
            _seconds(health.get(part, {}).get(f"latest_{part}_heartbeat")) > since
            for part in ("scheduler", "dag_processor")
        )


AIRFLOW_3: AirflowKind = Airflow3()


def _passwords_file(place: Place) -> Path:
    return place.home / "passwords.json"


def _seconds(heartbeat: str | None) -> float:
    return datetime.fromisoformat(heartbeat).astimezone(UTC).timestamp() if heartbeat else 0.0
