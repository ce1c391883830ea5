"""What the benchmarks run beside the app: the stand-in for Airflow, in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.airflow_server import airflow_server

ROOT = Path(__file__).parents[1]


@dataclass(slots=True)
class AirflowProcess:
    """A stand-in server.

    Attributes:
        base_url: Where it listens.
        runs: How many runs it has; known when it has ended.
        requests: What it was asked, and how often; likewise.
    """

    base_url: str
    runs: int = 0
    requests: dict[str, int] = field(default_factory=dict)


@contextmanager
def airflow_process(certificate: Path | None = None) -> Iterator[AirflowProcess]:
    """Yield a stand-in server, which ends with the block; with a certificate over TLS."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.processes", *([certificate] if certificate else [])],
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
            ended = json.loads(process.stdout.readline() or "{}")
            airflow.runs, airflow.requests = ended.get("runs", 0), ended.get("requests", {})


def main() -> None:
    """Serve until the standard input ends."""
    certificate = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with airflow_server(certificate=certificate) as airflow:
        sys.stdout.write(f"{airflow.base_url}\n")
        sys.stdout.flush()
        sys.stdin.read()
        sys.stdout.write(json.dumps({"runs": len(airflow.runs), "requests": airflow.requests}) + "\n")


if __name__ == "__main__":
    main()
