"""Workers that drain at once, without any lease, until they are killed: `python -m tests.support.workers`.

The process imports the app once, then starts a child for each line of JSON on its standard input, and answers
with the child's process id.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import azure.data.tables  # noqa: F401  (the children need not import it)

from shared.app import App
from shared.event_log import EventLog
from shared.model.errors import StorageUnavailable
from shared.storage.drain_lease import DrainLease, Handover
from tests.support.rows import OUTBOX, count_rows
from tests.support.times import FAST

ROOT = Path(__file__).parents[2]


class Workers:
    """Starts workers and kills them.

    Args:
        process: Starts the children.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, settings: Mapping[str, str], events: Sequence[Mapping[str, str]]) -> int:
        """Start a worker that is told of all events, in an order of its own, and drains; return its id."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"settings": dict(settings), "events": list(events)}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def kill(self, worker: int) -> None:
        """Kill a worker, if it has not ended."""
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)

    def wait(self, *workers: int, seconds: float) -> None:
        """Wait until workers have told of all events, and nothing waits any more."""
        end = time.monotonic() + seconds
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < end
            time.sleep(0.05)


@contextmanager
def start_workers() -> Iterator[Workers]:
    """Yield what starts workers; none of them outlives it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.workers"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Workers(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


class _NoLease:
    def renew(self) -> None:
        """Renew nothing."""

    def release(self) -> None:
        """Release nothing."""


def _work(settings: Mapping[str, str], events: list[dict[str, str]]) -> None:
    DrainLease._acquire = lambda _lease: _NoLease()  # type: ignore[method-assign, assignment, return-value]
    DrainLease._read = lambda _lease: Handover()  # type: ignore[method-assign, assignment]
    app = App(settings, EventLog(), FAST)
    random.shuffle(events)
    for event in events:
        with suppress(StorageUnavailable):
            if "message" in event:
                app.on_event(event["message"].encode())
            else:
                app.on_blob(event["container"], event["name"])
    while count_rows(settings["AzureWebJobsStorage"], OUTBOX):
        with suppress(StorageUnavailable):
            app.dispatch()
        time.sleep(0.05)


def main() -> None:
    """Start a child for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        if (child := os.fork()) == 0:
            _work(**order)
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
