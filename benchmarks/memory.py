"""Measures the memory of the app over many events: `python -m benchmarks.memory [--events 10000]`.

One process, 16 threads, a new version of a blob for each event; storage is a stand-in that answers each HEAD
with a new ETag, and both servers are other processes. Content never passes through the app, so a file's size
is no part of this: `tests/end_to_end/test_large_blob.py` has one of 2 GiB.
"""

import argparse
import gc
import itertools
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil

from benchmarks.event_ways import app_settings
from benchmarks.processes import ROOT, airflow_process
from benchmarks.record import keep
from shared.app import App
from tests.support.storage_server import Reply, serve_storage

_THREADS = 16
_POINTS = 50
_WARM_UP_SHARE = 0.2


@contextmanager
def storage_process() -> Iterator[str]:
    """Yield the connection string of a stand-in for storage, which ends with the block."""
    command = [sys.executable, "-m", "benchmarks.memory", "--serve"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin  # noqa: S101
        assert process.stdout  # noqa: S101
        yield process.stdout.readline().strip()
        process.stdin.close()


def serve() -> None:
    """Answer each HEAD with a new version, until the standard input ends; tables are empty."""
    numbers = itertools.count()

    def answer(method: str, _: str) -> Reply:
        if method != "HEAD":
            return Reply(status=200, body={"value": []})
        headers = {
            "ETag": f'"0x8DD{next(numbers):012X}"',
            "Last-Modified": "Fri, 20 Nov 2026 08:00:00 GMT",
            "x-ms-blob-type": "BlockBlob",
            "x-ms-creation-time": "Fri, 20 Nov 2026 08:00:00 GMT",
        }
        return Reply(status=200, headers=headers)

    with serve_storage() as storage:
        storage.answer = answer
        print(storage.connection_string, flush=True)
        sys.stdin.read()


def main() -> None:
    """Serve, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    logging.getLogger("blob_to_dag").addHandler(logging.NullHandler())
    logging.getLogger("blob_to_dag").setLevel(logging.INFO)
    me, points = psutil.Process(), []
    with storage_process() as storage, airflow_process() as airflow, ThreadPoolExecutor(_THREADS) as pool:
        app = App(app_settings(airflow.base_url, storage, threads=_THREADS))
        start, step = time.monotonic(), arguments.events // _POINTS
        for done in range(step, arguments.events + 1, step):
            list(pool.map(lambda _: app.on_blob("landing", "orders/a.csv"), range(step)))
            gc.collect()
            points.append({"events": done, "mib": round(me.memory_info().rss / 2**20, 2)})
        seconds = time.monotonic() - start
    if airflow.runs != step * _POINTS:
        msg = f"{airflow.runs} runs of {step * _POINTS} events"
        raise RuntimeError(msg)
    warm = points[int(_POINTS * _WARM_UP_SHARE)]
    growth = points[-1]["mib"] - warm["mib"]
    result = {
        "events": airflow.runs,
        "threads": _THREADS,
        "events_per_second": round(airflow.runs / seconds, 1),
        "mib_at_a_fifth": warm["mib"],
        "mib_at_the_end": points[-1]["mib"],
        "growth_bytes_per_event": round(growth * 2**20 / (points[-1]["events"] - warm["events"]), 2),
    }
    print(json.dumps(result))
    keep("memory", {**result, "points": points})


if __name__ == "__main__":
    main()
