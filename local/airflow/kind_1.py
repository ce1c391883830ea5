"""Airflow 1.10: web server and scheduler, over SQLite; the experimental API with password auth."""

import base64
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from local.airflow.kind import LOCKS, AirflowKind, Place, folder_of

HEALTH_TIMEOUT_SECONDS = 5
COMMAND_TIMEOUT_SECONDS = 120

# There is no command for a user of the password backend: its documentation shows these lines.
# https://airflow.apache.org/docs/apache-airflow/1.10.15/security/webserver.html#password
_MAKE_USER = """
import sys
from airflow import models, settings
from airflow.contrib.auth.backends.password_auth import PasswordUser
user = PasswordUser(models.User())
user.username, user.password = sys.argv[1:]
user.email = sys.argv[1] + "@example.org"
session = settings.Session()
session.add(user)
session.commit()
"""


@dataclass(frozen=True, slots=True)
class Airflow1:
    """Its two components."""

    name: str = "airflow-1"
    python: str = "3.8"
    lock: Path = LOCKS / "requirements-1.lock"
    build_constraints: Path | None = LOCKS / "requirements-1.build"
    migrate: Sequence[str] = ("initdb",)
    components: Sequence[Sequence[str]] = (("webserver",), ("scheduler",))

    def environment(self, place: Place) -> dict[str, str]:
        """Return the configuration: loopback only, DAGs seen within seconds, few processes."""
        return {
            "AIRFLOW_HOME": str(place.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(place.dags_folder),
            "AIRFLOW__CORE__EXECUTOR": "SequentialExecutor",
            "AIRFLOW__CORE__SQL_ALCHEMY_CONN": f"sqlite:///{place.home}/airflow.db",
            "AIRFLOW__CORE__BASE_LOG_FOLDER": str(place.home / "logs"),
            "AIRFLOW__SCHEDULER__CHILD_PROCESS_LOG_DIRECTORY": str(place.home / "logs" / "scheduler"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(bytes.fromhex(place.secret)).decode(),
            "AIRFLOW__API__AUTH_BACKEND": "airflow.contrib.auth.backends.password_auth",
            "AIRFLOW__API__ENABLE_EXPERIMENTAL_API": "True",
            "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
            "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(place.port),
            "AIRFLOW__WEBSERVER__BASE_URL": place.base_url,
            "AIRFLOW__WEBSERVER__SECRET_KEY": place.secret,
            "AIRFLOW__WEBSERVER__WORKERS": "2",
            "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "3",
            "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "3",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            # The web server starts gunicorn, and tasks start `airflow`, by name.
            "PATH": f"{folder_of(self) / 'venv' / 'bin'}:{os.environ['PATH']}",
        }

    def prepare(self, place: Place) -> None:
        """Make the user, once there is a database to hold it."""
        if (place.home / "airflow.db").exists():
            self.make_user(place, place.username, place.password)

    def make_user(self, place: Place, username: str, password: str) -> None:
        """Make a user: with the password backend, all may do the same."""
        subprocess.run(
            [str(folder_of(self) / "venv" / "bin" / "python"), "-c", _MAKE_USER, username, password],
            env=self.environment(place),
            check=True,
            capture_output=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
        )

    def is_ready(self, place: Place, *, since: float) -> bool:
        """Ask the health page; a heartbeat of an earlier start does not count."""
        try:
            answer = requests.get(
                f"{place.base_url}/health", timeout=HEALTH_TIMEOUT_SECONDS, allow_redirects=False
            )
            health: dict[str, dict[str, Any]] = answer.json() if answer.ok else {}
        except requests.RequestException:
            return False
        heartbeat = health.get("scheduler", {}).get("latest_scheduler_heartbeat")
        return heartbeat is not None and _seconds(heartbeat) > since


AIRFLOW_1: AirflowKind = Airflow1()


def _seconds(heartbeat: str) -> float:
    return datetime.fromisoformat(heartbeat).astimezone(UTC).timestamp()
