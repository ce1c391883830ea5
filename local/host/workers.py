"""The pool of worker processes: used round-robin, replaced when they end."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from local.host.host_log import Log
from local.host.options import HostOptions
from local.host.worker_process import Answer, WorkerProcess

# FUNCTIONS_WORKER_PROCESS_COUNT: HOST WorkerProcessCountOptions.cs
MAX_WORKERS = 10


class IndexingError(RuntimeError):
    """The app cannot be loaded; the text is the runtime's own error."""


class Workers:
    """Worker processes that run the same app."""

    def __init__(self, *, options: HostOptions, log: Log, on_change: Callable[[], None]) -> None:
        self._options = options
        self._count = options.workers or 1
        self._times = options.times
        self._log = log
        self._on_change = on_change
        self._changed = threading.Condition()
        self._slots: list[WorkerProcess | None] = [None] * self._count
        self._turn = 0
        self._is_closing = False

    @property
    def pids(self) -> list[int]:
        """Ids of the processes that can take invocations."""
        with self._changed:
            return [worker.pid for worker in self._slots if worker is not None]

    def start(self) -> list[dict[str, Any]]:
        """Start all workers and return the functions' metadata.

        Raises:
            IndexingError: the app cannot be loaded.
        """
        started = [self._new() for _ in range(self._count)]
        try:
            found = [worker.indexed.result(self._times.worker_start_timeout) for worker in started]
        except Exception as exc:
            for worker in started:
                worker.close()
            raise IndexingError(str(exc) or type(exc).__name__) from exc
        with self._changed:
            self._slots = list(started)
            self._changed.notify_all()
        for worker in started:
            if worker.has_ended:
                threading.Thread(target=self._replace, args=(worker,), daemon=True).start()
        return found[0]

    def invoke(self, invocation_id: str, message: dict[str, Any]) -> tuple[WorkerProcess, Future[Answer]]:
        """Send an invocation to the next worker; wait for one when none runs.

        Raises:
            TimeoutError: none was ready in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: any(self._slots), timeout=self._times.worker_start_timeout):
                msg = "Did not find any initialized language workers"
                raise TimeoutError(msg)
            ready = [worker for worker in self._slots if worker is not None]
            self._turn += 1
            worker = ready[self._turn % len(ready)]
        return worker, worker.invoke(invocation_id, message)

    def close(self) -> None:
        """End all workers; what they run is cut off."""
        with self._changed:
            self._is_closing = True
            workers = [worker for worker in self._slots if worker is not None]
        for worker in workers:
            worker.close()

    def _new(self) -> WorkerProcess:
        return WorkerProcess(
            app=self._options.app, settings=self._options.environment, log=self._log, on_end=self._replace
        )

    def _replace(self, ended: WorkerProcess) -> None:
        """Start a new worker for one that ended; runs in the ended worker's thread."""
        with self._changed:
            if self._is_closing or ended not in self._slots:
                return
            slot = self._slots.index(ended)
            self._slots[slot] = None
        self._log(f"Language Worker Process exited. Pid={ended.pid}.", level="Error")
        while not self._is_closing:
            time.sleep(self._times.worker_restart)
            worker = self._new()
            try:
                worker.indexed.result(self._times.worker_start_timeout)
            except Exception as exc:  # noqa: BLE001 (whatever it is, the next try may succeed)
                self._log(f"Failed to start a new language worker: {exc}", level="Error")
                worker.close()
                continue
            with self._changed:
                if not self._is_closing:
                    self._slots[slot] = worker
                    self._changed.notify_all()
            if self._is_closing:
                worker.close()
                return
            self._log(f"Worker process started and initialized. Pid={worker.pid}.")
            self._on_change()
            return
