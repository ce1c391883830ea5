# ruff: noqa: INP001, T201  (a script that prints; no package)
"""Measures the drain: rows a second out of the outbox, beside those of an older version of the app.

`python -m benchmarks.drain [--rows 10000] [--concurrency 4 16] [--old CHECKOUT]`

Storage is Azurite and Airflow the stand-in server in a process of its own; so is each drain. With `--old`,
the folder of a checkout of commit 4d87540, in which events waited in a storage queue, both versions drain the
same number of events in the same run. Prints a line for each drain, and JSON at the end.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.processes import ROOT, airflow_process
from local.azurite import start_azurite

_TIMEOUT_SECONDS = 1_800
_WORKER = Path(__file__).with_name("drain_worker.py")


def measure(checkout: Path, *, rows: int, concurrency: int, storage: str) -> dict[str, float]:
    """Fill an empty outbox and drain it, with the app of a checkout; return what its process says."""
    with airflow_process() as airflow:
        settings = {
            "AIRFLOW_BASE_URL": airflow.base_url,
            "AIRFLOW_DAG_ID": "copy_file",
            "AIRFLOW_USERNAME": "admin",
            "AIRFLOW_PASSWORD": "admin",
            "AIRFLOW_MAX_CONCURRENCY": str(concurrency),
            "PYTHON_THREADPOOL_THREAD_COUNT": "32",
            "AzureWebJobsStorage": storage,
            "LandingStorage": storage,
        }
        done = subprocess.run(
            [sys.executable, _WORKER, str(rows)],
            cwd=checkout,
            env={**os.environ, **settings, "PYTHONPATH": str(checkout)},
            stdout=subprocess.PIPE,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
    if airflow.runs != rows:
        msg = f"{airflow.runs} runs of {rows} rows"
        raise RuntimeError(msg)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Measure each version at each concurrency, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--old", type=Path, help="a checkout of commit 4d87540")
    arguments = parser.parse_args()
    checkouts = {"today": ROOT} | ({"old": arguments.old.resolve()} if arguments.old else {})
    results = []
    with start_azurite() as azurite:
        for concurrency in arguments.concurrency:
            rates = {}
            for version, checkout in checkouts.items():
                began = time.monotonic()
                result = measure(
                    checkout, rows=arguments.rows, concurrency=concurrency, storage=azurite.new_account()
                )
                rates[version] = result["rows_per_second"]
                results.append({"version": version, "concurrency": concurrency, **result})
                print(
                    f"{version:5} concurrency {concurrency:2}: {rates[version]:6.1f} rows a second "
                    f"({time.monotonic() - began:.0f} s with filling)",
                    flush=True,
                )
            if "old" in rates:
                ratio = rates["today"] / rates["old"]
                print(f"      concurrency {concurrency:2}: {ratio:.2f} times as fast", flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
