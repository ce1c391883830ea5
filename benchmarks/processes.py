# ruff: noqa: INP001  (a script's module; no package)
"""What the benchmarks run beside the app: the stand-in for Airflow, in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.airflow_server import airflow_server

ROOT = Path(__file__).parents[1]


@dataclass(slots=True)
class AirflowProcess:
    """A stand-in server.

    Attributes:
        base_url: Where it listens.
        runs: How many runs it has; known when it has ended.
    """

    base_url: str
    runs: int = 0


@contextmanager
def airflow_process() -> Iterator[AirflowProcess]:
    """Yield a stand-in server, which ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.processes"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin  # noqa: S101
        assert process.stdout  # noqa: S101
        airflow = AirflowProcess(process.stdout.readline().strip())
        try:
            yield airflow
        finally:
            process.stdin.close()
            airflow.runs = int(process.stdout.readline() or 0)


def main() -> None:
    """Serve until the standard input ends."""
    with airflow_server() as airflow:
        sys.stdout.write(f"{airflow.base_url}\n")
        sys.stdout.flush()
        sys.stdin.read()
        sys.stdout.write(f"{len(airflow.runs)}\n")


if __name__ == "__main__":
    main()
