# ruff: noqa: INP001  (a script's module; no package)
"""What the benchmarks run beside the app: the stand-in for Airflow, in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.airflow_server import airflow_server

ROOT = Path(__file__).parents[1]


@contextmanager
def airflow_process() -> Iterator[str]:
    """Yield the base URL of a stand-in server, which ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.processes"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin  # noqa: S101
        assert process.stdout  # noqa: S101
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def main() -> None:
    """Serve until the standard input ends."""
    with airflow_server() as airflow:
        sys.stdout.write(f"{airflow.base_url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
