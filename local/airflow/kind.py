"""What differs between major versions of Airflow: how each is installed, set up and started."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[2]
LOCKS = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folder, ports and log-in of one running Airflow.

    Attributes:
        home: its AIRFLOW_HOME: database, logs, configuration.
        dags_folder: where it looks for DAGs.
        port: of the web and API server.
        log_port: of the server that hands out the logs of running tasks.
        username: of its administrator.
        password: of its administrator.
        secret: shared by its processes, to sign and encrypt with; 32 bytes as hexadecimal digits.
        database_url: of an empty PostgreSQL database; empty for SQLite in the home.
    """

    home: Path
    dags_folder: Path
    port: int
    log_port: int
    username: str
    password: str
    secret: str
    database_url: str = ""

    @property
    def base_url(self) -> str:
        """The address of the web and API server, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> dict[str, str]:
        """The configuration of the database; nothing for SQLite in the home."""
        return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.database_url} if self.database_url else {}


class AirflowKind(Protocol):
    """One major version of Airflow."""

    @property
    def name(self) -> str:
        """Short name, as in `airflow-3`: the folder below `.stack` and in messages."""
        ...

    @property
    def python(self) -> str:
        """The Python version that its virtual environment needs, as `uv` takes it."""
        ...

    @property
    def lock(self) -> Path:
        """The pinned requirements."""
        ...

    @property
    def build_constraints(self) -> Path | None:
        """Build requirements of its older packages; None where all have wheels."""
        ...

    @property
    def migrate(self) -> Sequence[str]:
        """Arguments of `airflow` that create an empty database."""
        ...

    @property
    def components(self) -> Sequence[Sequence[str]]:
        """Arguments of `airflow` for each long-running process."""
        ...

    def environment(self, place: Place) -> dict[str, str]:
        """Return the configuration, as environment variables."""
        ...

    def prepare(self, place: Place) -> None:
        """Write what a home needs before its database is created and before each start, such as a log-in."""
        ...

    def is_ready(self, place: Place, *, since: float) -> bool:
        """Return whether every component has reported after `since` (seconds since the epoch)."""
        ...


def folder_of(kind: AirflowKind) -> Path:
    """Return the folder of an installed Airflow: `venv/`, `template/` (a home with an empty database)."""
    return ROOT / ".stack" / kind.name


def program_of(kind: AirflowKind) -> Path:
    """Return the `airflow` command of an installed Airflow."""
    return folder_of(kind) / "venv" / "bin" / "airflow"
