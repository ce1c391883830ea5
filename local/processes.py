"""Processes of the local stack: started with a log file, waited for with a timeout, ended by id.

A process started here leads a session of its own, so Ctrl-C at the terminal reaches only the program
that started it; that program then ends its processes by id. If it is killed, the watchdog ends them.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from local import watchdog

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.05
LOG_TAIL_LINES = 40
GRACE_SECONDS = 10.0


class ProcessError(RuntimeError):
    """A process ended early or was not ready in time; the message ends with the tail of its log."""


class NotInstalledError(RuntimeError):
    """A part of the local stack is missing; the message says what to install."""


class Stoppable:
    """A part of the local stack that is used in a `with`, and stopped at its end."""

    __slots__ = ()

    def stop(self) -> None:
        """Stop it; safe to call again."""
        raise NotImplementedError

    def clean_up(self) -> None:
        """Remove what it leaves behind, once it is stopped."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self.clean_up()


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A running child with its log.

    Attributes:
        name: its name in messages.
        log_path: where its standard output and error go; a restart appends.
        popen: the child, leader of its own session and process group.
    """

    name: str
    log_path: Path
    popen: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self.popen.pid

    @property
    def is_running(self) -> bool:
        """Whether the child itself still runs, whatever its own children do."""
        return self.popen.poll() is None

    def log(self) -> str:
        """Return everything that the process wrote."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def log_tail(self, *, lines: int = LOG_TAIL_LINES) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log().splitlines()[-lines:])

    def wait_until[T](self, ready: Callable[[], T | None], *, timeout_seconds: float, what: str) -> T:
        """Poll `ready` until it returns a true value, and return that.

        Raises:
            ProcessError: the process ended, or `timeout_seconds` passed.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            if result := ready():
                return result
            if not self.is_running:
                msg = f"{self.name} ended with code {self.popen.returncode} while waiting: {what}"
                break
            if time.monotonic() >= deadline:
                msg = f"{self.name} was not ready after {timeout_seconds:g} s: {what}"
                break
            time.sleep(POLL_SECONDS)
        msg += f"\n--- last lines of {self.log_path} ---\n{self.log_tail()}"
        raise ProcessError(msg)

    def stop(self, *, grace_seconds: float = GRACE_SECONDS) -> None:
        """End the process, its group and all its descendants; safe to call again."""
        stop_processes([self], grace_seconds=grace_seconds)


def start_process(
    command: Sequence[str | Path],
    *,
    name: str,
    log_path: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Process:
    """Start `command` in a session of its own; `env` replaces the environment (default: this process's)."""
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log_file:
        popen = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
        )
    watchdog.remember(popen.pid)
    return Process(name=name, log_path=log_path, popen=popen)


def stop_processes(processes: Sequence[Process], *, grace_seconds: float = GRACE_SECONDS) -> None:
    """Stop several processes at the same time; see `stop_trees`."""
    # An ended leader keeps its id until it is waited for, so none of these ids is reused.
    unreaped = [process for process in processes if process.popen.returncode is None]
    stop_trees([process.pid for process in unreaped], grace_seconds=grace_seconds)
    for process in unreaped:
        process.popen.wait(timeout=grace_seconds)
        watchdog.forget(process.pid)


def stop_trees(leaders: Sequence[int], *, grace_seconds: float) -> None:
    """Send SIGTERM to the groups and descendants of the leaders, then SIGKILL after `grace_seconds`.

    Descendants are included because some programs put their children into new sessions, outside the group.
    """
    members = _members(leaders)
    for member in members:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
    left = _wait_for_end(members, timeout_seconds=grace_seconds)
    # A child that was started while its parent was ending is not among the members.
    left = list({*left, *_members(leaders)})
    for member in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    _wait_for_end(left, timeout_seconds=grace_seconds)


def _wait_for_end(processes: Sequence[psutil.Process], *, timeout_seconds: float) -> list[psutil.Process]:
    """Wait, and return those that still run. `psutil.wait_procs` would take exit codes from `Popen`."""
    deadline = time.monotonic() + timeout_seconds
    while (alive := [process for process in processes if _is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS / 2)
    return alive


def _members(leaders: Sequence[int]) -> list[psutil.Process]:
    """Return the leaders, all their descendants, and all others in their groups, without zombies."""
    found: set[psutil.Process] = set()
    for leader_pid in leaders:
        with contextlib.suppress(psutil.NoSuchProcess):
            leader = psutil.Process(leader_pid)
            found |= {leader, *leader.children(recursive=True)}
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) in leaders:
                found.add(process)
    return [process for process in found if _is_alive(process)]


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def is_listening(port: int, *, host: str = LOOPBACK) -> bool:
    """Return whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def free_port(*, preferred: int = 0) -> int:
    """Return a loopback port that is free now; the preferred one if possible."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            # As servers do: a port with old connections in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((LOOPBACK, port))
                chosen: int = probe.getsockname()[1]
                return chosen
    msg = "no free port on the loopback interface"
    raise OSError(msg)


def interrupt_on_signals() -> None:
    """Let SIGTERM, SIGHUP and SIGINT raise KeyboardInterrupt, so that this program stops what it started.

    SIGINT is included because a shell starts background jobs with SIGINT ignored.
    """
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
