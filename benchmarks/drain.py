"""Measures the drain: rows a second out of the outbox, beside those of an older version of the app.

`python -m benchmarks.drain [--rows 10000] [--concurrency 1 4 16 32] [--old CHECKOUT]`

Storage is Azurite and Airflow the stand-in server in a process of its own; so is each drain. With `--old`,
the folder of a checkout of commit 4d87540, in which events waited in a storage queue, both versions drain the
same number of events in the same run. Then a smaller drain goes through proxies that count its requests.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT, airflow_process
from benchmarks.record import keep
from local.azurite import Azurite, start_azurite
from tests.support.counting_proxy import counting_proxy

_TIMEOUT_SECONDS = 1_800
_COUNTED_ROWS = 1_000
_WORKER = Path(__file__).with_name("drain_worker.py")


def drain(
    checkout: Path, rows: int, settings: dict[str, str], *, airflow_url: str, concurrency: int
) -> dict[str, Any]:
    """Fill an empty outbox and drain it, with the app of a checkout; return what its process says."""
    settings = {
        "AIRFLOW_BASE_URL": airflow_url,
        "AIRFLOW_DAG_ID": "copy_file",
        "AIRFLOW_USERNAME": "admin",
        "AIRFLOW_PASSWORD": "admin",
        "AIRFLOW_MAX_CONCURRENCY": str(concurrency),
        "PYTHON_THREADPOOL_THREAD_COUNT": "32",
        **settings,
    }
    done = subprocess.run(
        [sys.executable, _WORKER, str(rows)],
        cwd=checkout,
        env={**os.environ, **settings, "PYTHONPATH": str(checkout)},
        stdout=subprocess.PIPE,
        timeout=_TIMEOUT_SECONDS,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measure(checkout: Path, rows: int, settings: dict[str, str], *, concurrency: int) -> dict[str, Any]:
    """Drain into a stand-in for Airflow, and count its runs."""
    with airflow_process() as airflow:
        result = drain(checkout, rows, settings, airflow_url=airflow.base_url, concurrency=concurrency)
    if airflow.runs != rows:
        msg = f"{airflow.runs} runs of {rows} rows"
        raise RuntimeError(msg)
    return {**result, "airflow_requests": airflow.requests}


def count_requests(azurite: Azurite, rows: int, *, concurrency: int) -> dict[str, Any]:
    """Drain behind proxies; return what was asked of storage and of Airflow.

    A transaction of the tables counts as its POST and as each operation in it.
    """
    direct = azurite.new_account()
    with (
        counting_proxy(azurite.blob_port) as blobs,
        counting_proxy(azurite.queue_port) as queues,
        counting_proxy(azurite.table_port) as tables,
    ):
        counted = direct
        proxies = {"blobs": blobs, "queues": queues, "tables": tables}
        for proxy, port in zip(
            proxies.values(), (azurite.blob_port, azurite.queue_port, azurite.table_port), strict=True
        ):
            counted = counted.replace(f"127.0.0.1:{port}/", f"127.0.0.1:{proxy.port}/")
        settings = {"AzureWebJobsStorage": counted, "LandingStorage": counted, "BENCHMARK_FILL": direct}
        result = measure(ROOT, rows, settings, concurrency=concurrency)
        storage = {name: dict(proxy.methods) for name, proxy in proxies.items()}
    return {"rows": rows, "concurrency": concurrency, **storage, "airflow": result["airflow_requests"]}


def main() -> None:
    """Measure each version at each concurrency, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 4, 16, 32])
    parser.add_argument("--old", type=Path, help="a checkout of commit 4d87540")
    arguments = parser.parse_args()
    checkouts = {"today": ROOT} | ({"old": arguments.old.resolve()} if arguments.old else {})
    results = []
    with start_azurite() as azurite:
        for concurrency in arguments.concurrency:
            rates = {}
            for version, checkout in checkouts.items():
                began = time.monotonic()
                storage = azurite.new_account()
                settings = {"AzureWebJobsStorage": storage, "LandingStorage": storage}
                result = measure(checkout, arguments.rows, settings, concurrency=concurrency)
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
        requests = count_requests(azurite, _COUNTED_ROWS, concurrency=arguments.concurrency[0])
    print(requests)
    keep("drain", {"rates": results, "requests": requests})


if __name__ == "__main__":
    main()
