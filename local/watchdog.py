"""Ends what a killed program left: one small process that outlives us by a moment.

It reads from a pipe which processes we started and stopped. When the pipe closes, whatever the reason,
even SIGKILL, it stops those that are left and ends. `local.processes` talks to it; nobody else needs to.
"""

import atexit
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
GRACE_SECONDS = 5.0

_watchdog: subprocess.Popen[str] | None = None


def remember(pid: int) -> None:
    """Have the leader `pid` and all that belongs to it stopped when this program is gone."""
    _tell(f"+ {pid} {psutil.Process(pid).create_time()}")


def forget(pid: int) -> None:
    """Take back `remember`: it is stopped."""
    _tell(f"- {pid} 0")


def _tell(line: str) -> None:
    global _watchdog  # noqa: PLW0603 - one for each program, started when first needed
    if _watchdog is None:
        _watchdog = subprocess.Popen(
            [sys.executable, "-m", "local.watchdog"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        atexit.register(_dismiss, _watchdog)
    assert _watchdog.stdin is not None  # noqa: S101 - for the type checker
    _watchdog.stdin.write(line + "\n")
    _watchdog.stdin.flush()


def _dismiss(watchdog: subprocess.Popen[str]) -> None:
    if watchdog.stdin is not None:
        watchdog.stdin.close()
    watchdog.wait(timeout=4 * GRACE_SECONDS)


def _watch() -> None:
    from local.processes import stop_trees  # noqa: PLC0415 - it imports this module

    started: dict[int, float] = {}
    for line in sys.stdin:
        sign, pid, create_time = line.split()
        if sign == "+":
            started[int(pid)] = float(create_time)
        else:
            started.pop(int(pid), None)
    left = [pid for pid, create_time in started.items() if _is_same(pid, create_time)]
    if left:
        stop_trees(left, grace_seconds=GRACE_SECONDS)


def _is_same(pid: int, create_time: float) -> bool:
    """Tell whether the id still belongs to the process that we were told of.

    A leader that ended by itself counts too, as long as its id is not given to another: its group may live.
    """
    try:
        return psutil.Process(pid).create_time() == create_time
    except psutil.NoSuchProcess:
        return True


if __name__ == "__main__":
    _watch()
