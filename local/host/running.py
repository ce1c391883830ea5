"""A host started as a child process, for tests and for the local stack."""

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil
import requests

from local.host.options import ROOT, HostOptions
from local.processes import LOOPBACK, Process, Stoppable, free_port, start_process

_STOP_SECONDS = 5
_LOAD_FAILED = "Worker failed to index functions", "Host failed to start"


class HostStartError(RuntimeError):
    """The host could not load the app; the message ends with its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """What a ready host passes to its parent process in a file, replaced as a whole on every change.

    Attributes:
        url: its address, without a slash at the end.
        worker_pids: process ids of its workers.
        system_key: key of the Event Grid webhook; empty with Core Tools, which asks for none.
        master_key: key of `/admin`; empty with Core Tools.
    """

    url: str
    worker_pids: tuple[int, ...]
    system_key: str = ""
    master_key: str = ""

    def write(self, path: Path) -> None:
        """Write it, readable by the owner only: it holds keys."""
        part = path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read it; None while the host is not ready."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return cls(**{**document, "worker_pids": tuple(document["worker_pids"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningHost(Stoppable):
    """A host that has loaded all functions; a context manager that stops it.

    Attributes:
        options: how it was started.
        is_func: whether it is Core Tools.
        process: the host's process, leader of its own group.
    """

    options: HostOptions
    is_func: bool
    process: Process
    _state_path: Path
    _func_url: str = ""

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return self._state.url

    @property
    def system_key(self) -> str:
        """Key of the Event Grid webhook; empty with Core Tools, which asks for none."""
        return self._state.system_key

    @property
    def master_key(self) -> str:
        """Key of `/admin`; empty with Core Tools."""
        return self._state.master_key

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the Python workers that take invocations now."""
        return self._state.worker_pids

    def log(self) -> str:
        """Return the log so far."""
        return self.process.log()

    def wait_for_log(self, text: str, timeout_seconds: float = 30, *, count: int = 1) -> str:
        """Wait until the log holds `text` (`count` times), and return the log.

        Raises:
            ProcessError: it does not in time, or the host ended; the message has the end of the log.
        """

        def found() -> str | None:
            log = self.log()
            return log if log.count(text) >= count else None

        return self.process.wait_until(
            found, timeout_seconds=timeout_seconds, what=f"log has {text!r} x{count}"
        )

    def kill_worker(self, index: int = 0) -> int:
        """Kill one worker process at once; return its id."""
        pid = self.worker_pids[index]
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill(self) -> None:
        """Kill the host and its workers at once, as when a machine dies."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.popen.wait(timeout=_STOP_SECONDS)

    def is_ready(self, written_before: int = 0) -> bool:
        """Return whether all functions are loaded.

        Args:
            written_before: bytes of the log that an earlier host wrote.

        Raises:
            HostStartError: the app cannot be loaded.
        """
        log = self.process.log_path.read_bytes()[written_before:].decode(errors="replace")
        if any(text in log for text in _LOAD_FAILED):
            msg = f"the host could not load the app\n{self.process.log_tail()}"
            raise HostStartError(msg)
        if not self.is_func:
            return HostState.read(self._state_path) is not None
        try:
            answer = requests.get(f"{self.url}/admin/host/status", timeout=5)
        except requests.RequestException:
            return False
        return answer.ok and answer.json().get("state") == "Running" and bool(self.worker_pids)

    def stop(self) -> None:
        """Stop the host and all that belongs to it; what runs is cut off. Safe to call again."""
        if self.process.is_running:
            os.kill(self.process.pid, signal.SIGTERM)
            with contextlib.suppress(psutil.TimeoutExpired):
                psutil.Process(self.process.pid).wait(_STOP_SECONDS)
        self.process.stop()
        # It holds keys.
        self._state_path.unlink(missing_ok=True)

    @property
    def _state(self) -> HostState:
        if self.is_func:
            children = psutil.Process(self.process.pid).children(recursive=True)
            pids = tuple(child.pid for child in children if "python" in child.name().lower())
            return HostState(url=self._func_url, worker_pids=pids)
        state = HostState.read(self._state_path)
        if state is None:
            msg = f"the host is not ready\n{self.process.log_tail()}"
            raise HostStartError(msg)
        return state


def start_host(options: HostOptions | None = None) -> RunningHost:
    """Start a host and wait until all functions are loaded; use the result in a `with`.

    Raises:
        HostStartError: the app cannot be loaded.
        ProcessError: the host ended, or was not ready in time.
    """
    options = options or HostOptions()
    environment = {**os.environ, **options.environment}
    is_func = options.host != "standin" and shutil.which("func", path=environment.get("PATH")) is not None
    log_path = options.log_path or Path(tempfile.mkdtemp(prefix="functions-host-")) / "host.log"
    state_path = options.state_path or log_path.with_suffix(".state.json")
    state_path.unlink(missing_ok=True)
    port = options.port or (free_port() if is_func else 0)
    command = [
        *(sys.executable, "-m", "local.host", "--app", str(options.app), "--host", options.host),
        *("--port", str(port), "--times", options.times.to_json()),
        *("--state-file", str(state_path)),
        *(() if options.workers is None else ("--workers", str(options.workers))),
    ]
    written_before = log_path.stat().st_size if log_path.exists() else 0
    process = start_process(command, name="Functions host", log_path=log_path, env=environment, cwd=ROOT)
    host = RunningHost(
        options=options,
        is_func=is_func,
        process=process,
        _state_path=state_path,
        _func_url=f"http://{LOOPBACK}:{port}",
    )
    try:
        process.wait_until(
            lambda: host.is_ready(written_before),
            timeout_seconds=options.ready_timeout_seconds,
            what="all functions loaded",
        )
    except BaseException:
        host.stop()
        raise
    return host
