"""Processes of the local stack are waited for with a bound and never outlive their program."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local.processes import Process, ProcessError, free_port, is_listening, start_process

ROOT = Path(__file__).parents[2]

# Prints its own id and that of a child in a session of its own, and ignores SIGTERM if asked to.
FAMILY = """
import os, signal, subprocess, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
print("ids", os.getpid(), child.pid, flush=True)
time.sleep(300)
"""

# Starts a family through our module, says its ids, and waits to be killed.
PROGRAM = f"""
import pathlib, sys, time
from local.processes import start_process
family = start_process([sys.executable, "-c", {FAMILY!r}], name="family", log_path=pathlib.Path(sys.argv[1]))
time.sleep(300)
"""


def _ids(log_path: Path) -> list[int] | None:
    for line in log_path.read_text().splitlines() if log_path.exists() else []:
        if line.startswith("ids "):
            return [int(word) for word in line.split()[1:]]
    return None


def _start_family(tmp_path: Path, *arguments: str) -> tuple[Process, list[int]]:
    log_path = tmp_path / "family.log"
    family = start_process([sys.executable, "-c", FAMILY, *arguments], name="family", log_path=log_path)
    return family, family.wait_until(lambda: _ids(log_path), timeout_seconds=10, what="ids")


def _all_gone(pids: list[int], *, within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while (alive := any(map(_is_alive, pids))) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_stop_ends_children_in_other_sessions(tmp_path: Path) -> None:
    """A child that left the process group is found by its descent."""
    family, pids = _start_family(tmp_path)

    family.stop()

    assert len(pids) == 2
    assert _all_gone(pids, within_seconds=0)


def test_stop_kills_what_ignores_sigterm(tmp_path: Path) -> None:
    """The grace is bounded."""
    family, pids = _start_family(tmp_path, "stubborn")

    family.stop(grace_seconds=0.5)

    assert _all_gone(pids, within_seconds=0)
    assert family.popen.returncode == -signal.SIGKILL


def test_stopping_twice_does_nothing_more(tmp_path: Path) -> None:
    """A second stop must not hit a stranger that has the id by now."""
    family, _ = _start_family(tmp_path)

    family.stop()
    family.stop()

    assert not family.is_running


def test_killed_program_leaves_nothing_behind(tmp_path: Path) -> None:
    """SIGKILL gives the program no chance; the watchdog ends its processes."""
    log_path = tmp_path / "family.log"
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, str(log_path)], cwd=ROOT)
    deadline = time.monotonic() + 20
    while not (pids := _ids(log_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    program.kill()
    program.wait(timeout=10)

    assert pids is not None
    assert _all_gone(pids, within_seconds=20)


def test_process_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    """Whoever waits for it need not look for the log."""
    process = start_process(
        [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"],
        name="short",
        log_path=tmp_path / "short.log",
    )

    with pytest.raises(ProcessError, match=r"(?s)short ended with code 3 while waiting: never.*the reason"):
        process.wait_until(lambda: None, timeout_seconds=10, what="never")
    process.stop()


def test_process_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    """Every wait is bounded."""
    family, _ = _start_family(tmp_path)

    with pytest.raises(ProcessError, match=r"family was not ready after 0\.2 s: ready"):
        family.wait_until(lambda: False, timeout_seconds=0.2, what="ready")
    family.stop()


def test_free_port_is_the_preferred_one_unless_taken() -> None:
    """Well-known ports are used when free, others when not."""
    preferred = free_port()
    chosen = free_port(preferred=preferred)
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(preferred)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while not is_listening(preferred) and time.monotonic() < deadline:
            time.sleep(0.05)
        other = free_port(preferred=preferred)
    finally:
        server.kill()
        server.wait(timeout=10)

    assert chosen == preferred
    assert other not in {0, preferred}
