"""One running Airflow, with a home, a database and ports of its own."""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.airflow.api import AirflowApi
from local.airflow.kind import AirflowKind, Place, folder_of, program_of
from local.airflow.kind_3 import AIRFLOW_3
from local.processes import (
    NotInstalledError,
    Process,
    ProcessError,
    Stoppable,
    free_port,
    start_process,
    stop_processes,
)

ROOT = Path(__file__).parents[2]
EXAMPLE_DAGS = ROOT / "examples" / "dags"
START_TIMEOUT_SECONDS = 180
STOP_GRACE_SECONDS = 10


@dataclass(slots=True, kw_only=True)
class Airflow(Stoppable):
    """A running Airflow; a context manager that stops it.

    Attributes:
        kind: which generation.
        place: home, ports and log-in. They stay the same over `stop` and `start`, as does the database.
        variables: environment variables that the tasks see too, as `AIRFLOW_CONN_...`.
    """

    kind: AirflowKind
    place: Place
    variables: Mapping[str, str]
    _is_temporary: bool = False
    _processes: list[Process] = field(default_factory=list, repr=False)

    @property
    def base_url(self) -> str:
        """The address of the web and API server, without a slash at its end."""
        return self.place.base_url

    @property
    def username(self) -> str:
        """The administrator."""
        return self.place.username

    @property
    def password(self) -> str:
        """The administrator's password, a random one."""
        return self.place.password

    @property
    def dags_folder(self) -> Path:
        """Where a DAG file is picked up within seconds."""
        return self.place.dags_folder

    @property
    def is_running(self) -> bool:
        """Whether all components run."""
        return bool(self._processes) and all(process.is_running for process in self._processes)

    @property
    def api(self) -> AirflowApi:
        """A client of its REST API, logged in."""
        return AirflowApi(base_url=self.base_url, username=self.username, password=self.password)

    def start(self) -> None:
        """Start all components and wait until each has reported.

        Raises:
            ProcessError: one ended, or they were not ready in time; with the tail of its log.
        """
        if self._processes:
            return
        since = time.time()
        environment = environment_of(self.kind, self.place) | dict(self.variables)
        try:
            for component in self.kind.components:
                process = start_process(
                    [program_of(self.kind), *component],
                    name=f"{self.kind.name} {component[0]}",
                    log_path=self.place.home / f"{component[0]}.log",
                    env=environment,
                    cwd=self.place.home,
                )
                self._processes.append(process)
            self._processes[0].wait_until(
                lambda: self._is_ready(since), timeout_seconds=START_TIMEOUT_SECONDS, what="all parts healthy"
            )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all of its processes and keep its home; safe to call again."""
        stop_processes(self._processes, grace_seconds=STOP_GRACE_SECONDS)
        self._processes.clear()

    def _is_ready(self, since: float) -> bool:
        for process in self._processes:
            if not process.is_running:
                msg = f"{process.name} ended at its start\n{process.log_tail()}"
                raise ProcessError(msg)
        return self.kind.is_ready(self.place, since=since)

    def clean_up(self) -> None:
        """Remove a temporary folder."""
        if self._is_temporary:
            shutil.rmtree(self.place.home, ignore_errors=True)


def start_airflow(
    *,
    kind: AirflowKind = AIRFLOW_3,
    home: Path | None = None,
    dags_folder: Path = EXAMPLE_DAGS,
    port: int = 0,
    variables: Mapping[str, str] | None = None,
    database_url: str = "",
) -> Airflow:
    """Start an Airflow with a fresh database; use the result in a `with`.

    Args:
        kind: which generation.
        home: its AIRFLOW_HOME, an empty folder; a temporary one, removed at the end of the `with`, if None.
        dags_folder: where it looks for DAGs; they are not paused when first seen.
        port: of the API; 0 for a free one.
        variables: environment variables that the tasks see too, as `AIRFLOW_CONN_...`.
        database_url: of an empty PostgreSQL database; SQLite in the home where it is empty.

    Raises:
        NotInstalledError: this Airflow is not installed.
        ProcessError: it did not start.
    """
    template = folder_of(kind) / "template"
    if not template.exists():
        msg = f"{kind.name} is missing: run `make stack` (or `make test-airflow`)"
        raise NotInstalledError(msg)
    place = Place(
        home=home or Path(tempfile.mkdtemp(prefix=f"{kind.name}-")),
        dags_folder=dags_folder,
        port=port or free_port(),
        log_port=free_port(),
        username="admin",
        password=secrets.token_urlsafe(16),
        secret=secrets.token_hex(32),
        database_url=database_url,
    )
    shutil.copytree(template, place.home, symlinks=True, dirs_exist_ok=True)
    if database_url:
        migrate = [str(program_of(kind)), *kind.migrate]
        environment = environment_of(kind, place)
        subprocess.run(
            migrate, env=environment, check=True, capture_output=True, timeout=START_TIMEOUT_SECONDS
        )
    kind.prepare(place)
    airflow = Airflow(kind=kind, place=place, variables=variables or {}, _is_temporary=home is None)
    try:
        airflow.start()
    except BaseException:
        airflow.__exit__(None, None, None)
        raise
    return airflow


def landing_storage(connection_string: str) -> dict[str, str]:
    """Return the variable that makes a storage account the connection that the example DAGs use."""
    connection = {"conn_type": "wasb", "extra": {"connection_string": connection_string}}
    return {"AIRFLOW_CONN_LANDING_STORAGE": json.dumps(connection)}


def environment_of(kind: AirflowKind, place: Place) -> dict[str, str]:
    """Return the whole environment of its processes."""
    return {**_clean_environment(), **kind.environment(place), **place.database}


def _clean_environment() -> dict[str, str]:
    """Return our environment without what would configure another Airflow or another Python."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "PYTHON")) and name != "VIRTUAL_ENV"
    }
