"""Measures what the app adds to one event. `python -m benchmarks.event [--events 500]`.

One event is compared with the two requests that it cannot do without: the SDK's `HEAD` and a `POST` in a warm
`requests.Session`; then the `POST` alone, over TLS, with what people write instead. Sides take turns, and the
ratios are those of the medians of one run, so that they mean the same on any machine.
"""

import argparse
import gc
import json
import logging
import random
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

from azure.storage.blob import BlobServiceClient

from benchmarks.event_ways import Bare, Parts, app_settings
from benchmarks.processes import airflow_process
from benchmarks.record import keep
from local.azurite import start_azurite
from shared.app import App
from tests.airflow.certificates import self_signed

MOST_OF_EVENT = 1.25

_WARM_UP = 30
_THREADS = (4, 16, 64)
_ROUNDS = 7
_ROUND_EVENTS = 192
_MILLISECONDS = 1e3
_KNOWN = "0.csv"


def turns(
    calls: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Call each in turn; return the medians in milliseconds.

    In another order each time: what comes after a call that opens connections is slower.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls.items())
    for _ in range(_WARM_UP + rounds):
        random.shuffle(order)
        for name, call in order:
            start = clock()
            call()
            taken[name].append(clock() - start)
    return {name: round(median(each[_WARM_UP:]) * _MILLISECONDS, 3) for name, each in taken.items()}


class Files:
    """Names of blobs that are there, each once: the app makes one run of a version."""

    def __init__(self, storage: str, amount: int) -> None:
        container = BlobServiceClient.from_connection_string(storage).create_container("landing")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: container.upload_blob(f"{number}.csv", b"x"), range(amount)))
        self._numbers = count()

    def next(self) -> str:
        """Return one."""
        return f"{next(self._numbers)}.csv"


def of_one(app: App, bare: Bare, files: Files, events: int) -> dict[str, float]:
    """Return the medians of an event, one at a time, by the wall clock and by the processor."""
    sides: dict[str, Callable[[], object]] = {
        "bare": lambda: bare.event(files.next()),
        "app": lambda: app.on_blob("landing", files.next()),
    }
    by_processor = turns(sides, events, time.thread_time)
    return turns(sides, events) | {f"{name}_cpu": each for name, each in by_processor.items()}


def of_threads(threads: int, url: str, storage: str, files: Files) -> dict[str, float]:
    """Return milliseconds for each event, by the wall clock and by the processor, with so many threads."""
    app = App(app_settings(url, storage, threads=threads))
    bare = Bare.build(url, storage, threads=threads)
    sides: dict[str, Callable[[str], object]] = {"bare": bare.event, "app": partial(app.on_blob, "landing")}
    taken: dict[str, list[float]] = {f"{name}{unit}": [] for name in sides for unit in ("", "_cpu")}
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(_ROUNDS + 1):
            for name, call in sides.items():
                names = [_KNOWN if name == "bare" else files.next() for _ in range(_ROUND_EVENTS)]
                start, cpu = time.perf_counter(), time.process_time()
                list(pool.map(call, names))
                taken[name].append(time.perf_counter() - start)
                taken[f"{name}_cpu"].append(time.process_time() - cpu)
    return {name: round(median(each[1:]) / _ROUND_EVENTS * _MILLISECONDS, 3) for name, each in taken.items()}


def allocated(call: Callable[[], object], events: int) -> dict[str, float]:
    """Return what an event allocates at its peak, and what is left after many of them, in KiB."""
    for _ in range(_WARM_UP):
        call()
    tracemalloc.start()
    try:
        gc.collect()
        before, peaks = tracemalloc.get_traced_memory()[0], []
        for _ in range(events):
            tracemalloc.reset_peak()
            current = tracemalloc.get_traced_memory()[0]
            call()
            peaks.append(tracemalloc.get_traced_memory()[1] - current)
        gc.collect()
        left = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    return {"peak_kib": round(median(peaks) / 1024, 1), "left_kib_of_all": round(left / 1024, 1)}


def measure_events(events: int) -> dict[str, object]:
    """Return one event by threads, its parts, and its allocations."""
    amount = 5 * (_WARM_UP + events) + len(_THREADS) * (_ROUNDS + 1) * _ROUND_EVENTS
    with start_azurite() as azurite, airflow_process() as airflow:
        storage, url = azurite.new_account(), airflow.base_url
        files = Files(storage, amount)
        app, bare = App(app_settings(url, storage)), Bare.build(url, storage)
        by_threads = {"1": of_one(app, bare, files, events)}
        parts = Parts.build(app_settings(url, storage), _KNOWN)
        of_parts = turns(
            {
                "bare_head": partial(bare.head, parts.name),
                "bare_post": bare.post,
                "app_head": parts.head,
                "app_route": parts.route,
                "app_route_and_post": parts.post,
            },
            events,
        )
        for threads in _THREADS:
            by_threads[str(threads)] = of_threads(threads, url, storage, files)
        allocations = {
            "app": allocated(lambda: app.on_blob("landing", files.next()), events),
            "bare": allocated(partial(bare.event, _KNOWN), events),
        }
    expected = 8 * (_WARM_UP + events) + len(_THREADS) * 2 * (_ROUNDS + 1) * _ROUND_EVENTS
    if airflow.runs != expected:
        msg = f"{airflow.runs} runs instead of {expected}"
        raise RuntimeError(msg)
    return {"threads": by_threads, "parts": of_parts, "allocations": allocations, "runs": airflow.runs}


def measure_posts(events: int) -> dict[str, float]:
    """Return the medians of the POST alone, over TLS."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = self_signed(Path(folder), "127.0.0.1")
        with airflow_process(certificate) as airflow:
            settings = app_settings(airflow.base_url, "UseDevelopmentStorage=true", ca=certificate)
            parts = Parts.build(settings, _KNOWN)
            # The same conf, with its texts, for all.
            bare = replace(
                Bare.build(airflow.base_url, "UseDevelopmentStorage=true", ca=certificate),
                conf=json.loads(json.dumps(parts.route().conf, default=str)),
            )
            return turns(
                {
                    "warm session": bare.post,
                    "app": parts.posts(_WARM_UP + events),
                    "requests.post": bare.post_anew,
                    "log in and post": bare.log_in_and_post,
                },
                events,
            )


def main() -> int:
    """Measure; fail where the app takes more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=500)
    arguments = parser.parse_args()
    logging.getLogger("blob_to_dag").addHandler(logging.NullHandler())
    logging.getLogger("blob_to_dag").setLevel(logging.INFO)
    found = measure_events(arguments.events)
    posts = measure_posts(arguments.events)
    threads = found["threads"]
    assert isinstance(threads, dict)  # noqa: S101
    ratios = {name: round(each["app"] / each["bare"], 2) for name, each in threads.items()}
    ratios_cpu = {name: round(each["app_cpu"] / each["bare_cpu"], 2) for name, each in threads.items()}
    ratios_of_post = {name: round(each / posts["warm session"], 2) for name, each in posts.items()}
    print("one event, times the bare requests, by threads:", ratios, "processor time:", ratios_cpu)
    print("the POST over TLS, times the warm session:", ratios_of_post)
    print(json.dumps(found))
    result = {
        "events": arguments.events,
        "ratios": ratios,
        "ratios_cpu": ratios_cpu,
        "ratios_of_post": ratios_of_post,
        "most": MOST_OF_EVENT,
    }
    keep("event", {**result, **found, "posts": posts})
    return int(ratios["1"] > MOST_OF_EVENT)


if __name__ == "__main__":
    sys.exit(main())
