"""One worker process as the host sees it: started, given invocations, and watched for its end."""

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.host.host_log import Log
from local.host.options import ROOT
from local.worker.wire import Wire

# HOST DefaultWorkerProcessFactory.ApplyWorkerConcurrencyLimits: set for Python when the app does not.
_DEFAULT_THREADS = {"PYTHON_THREADPOOL_THREAD_COUNT": "1000"}
# HOST: configuration section languageWorkers:python:defaultExecutablePath
_EXECUTABLE = "languageWorkers__python__defaultExecutablePath"
_WARNING_LEVELS = ("WARNING", "ERROR", "CRITICAL")
_LEVELS = {
    "DEBUG": "Debug",
    "INFO": "Information",
    "WARNING": "Warning",
    "ERROR": "Error",
    "CRITICAL": "Critical",
}


class WorkerEndedError(RuntimeError):
    """The worker process ended while it ran the invocation; the attempt failed and may be repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The result of an invocation.

    Attributes:
        error: None, or the exception as `Type: text`.
        stack: its traceback.
    """

    error: str | None = None
    stack: str = ""


class WorkerProcess:
    """A worker process; `indexed` resolves to its functions' metadata, or fails with the reason."""

    def __init__(
        self,
        *,
        app: Path,
        settings: Mapping[str, str],
        log: Log,
        on_end: Callable[["WorkerProcess"], None],
    ) -> None:
        ours, theirs = socket.socketpair()
        python = settings.get(_EXECUTABLE) or sys.executable
        with theirs:
            self._popen = subprocess.Popen(
                [python, "-m", "local.worker", "--fd", str(theirs.fileno()), "--app", str(app)],
                cwd=ROOT,
                env={**_DEFAULT_THREADS, **settings, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        self._wire = Wire(ours)
        self._log = log
        self._on_end = on_end
        self._lock = threading.Lock()
        self._running: dict[str, Future[Answer]] = {}
        self._has_ended = False
        self._function_names: dict[str, str] = {}
        self.indexed: Future[list[dict[str, Any]]] = Future()
        threading.Thread(target=self._receive, name=f"worker-{self.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        with self._lock:
            return self._has_ended

    def invoke(self, invocation_id: str, message: dict[str, Any]) -> Future[Answer]:
        """Send an invocation; the future fails with `WorkerEndedError` when the process ends."""
        future: Future[Answer] = Future()
        with self._lock:
            if self._has_ended:
                future.set_exception(WorkerEndedError(self._end_text()))
                return future
            self._running[invocation_id] = future
            self._function_names[invocation_id] = message["name"]
        # When the worker is gone, the receiver notices it too and fails the future.
        with contextlib.suppress(OSError):
            self._wire.send({**message, "type": "invoke", "invocation_id": invocation_id})
        return future

    def kill(self) -> None:
        """End the process at once, as the host does after a function's time is over."""
        self._popen.kill()

    def close(self) -> None:
        """End the process and wait for its end; what it runs is cut off."""
        self._popen.kill()
        self._popen.wait()
        self._wire.close()

    def _receive(self) -> None:
        while message := self._wire.receive():
            match message["type"]:
                case "log":
                    self._write(message)
                case "indexed" if message["error"]:
                    self.indexed.set_exception(RuntimeError(message["error"]))
                case "indexed":
                    self.indexed.set_result(message["functions"])
                case "done":
                    self._finish(message)
        self._popen.wait()
        with self._lock:
            self._has_ended = True
            left = list(self._running.values())
            self._running.clear()
        for future in left:
            future.set_exception(WorkerEndedError(self._end_text()))
        if not self.indexed.done():
            self.indexed.set_exception(WorkerEndedError(self._end_text()))
        self._on_end(self)

    def _finish(self, message: dict[str, Any]) -> None:
        with self._lock:
            future = self._running.pop(message["invocation_id"], None)
            self._function_names.pop(message["invocation_id"], None)
        if future is not None:
            if message["ok"]:
                future.set_result(Answer())
            else:
                future.set_result(Answer(error=message["error"], stack=message["stack"]))

    def _write(self, message: dict[str, Any]) -> None:
        """Log a record of a running invocation, or a warning of the runtime; drop every other.

        Source: HOST WebJobs.Script.Grpc/Channel/GrpcWorkerChannel.cs, Log and SystemLog.
        """
        name = self._function_names.get(message["invocation_id"] or "")
        level = _LEVELS.get(message["level"], "Information")
        if message["is_system"]:
            if message["level"] in _WARNING_LEVELS:
                self._log(f"Worker.{message['logger']}: {message['message']}", level=level)
        elif name is not None:
            self._log(f"Function.{name}.User: {message['message']}", level=level)

    def _end_text(self) -> str:
        # HOST WorkerProcess.cs words it like this; a signal counts as 128 + its number.
        code = self._popen.returncode
        code = 128 - code if code is not None and code < 0 else code
        return f"python exited with code {code}"
