"""Stops the processes that a killed program left behind: one small process that outlives its parent.

It reads from a pipe which processes the parent started and stopped. When the pipe closes, whatever the
reason, even SIGKILL, it stops those that are left and ends. Only `local.processes` uses it.
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
    """Stop the leader `pid`, its group and its descendants when this program has ended."""
    _send(f"+ {pid} {psutil.Process(pid).create_time()}")


def forget(pid: int) -> None:
    """Undo `remember`: the process is stopped."""
    _send(f"- {pid} 0")


def _send(line: str) -> None:
    global _watchdog  # noqa: PLW0603 (one for each program, started on first use)
    if _watchdog is None:
        _watchdog = subprocess.Popen(
            [sys.executable, "-m", "local.watchdog"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        atexit.register(_dismiss, _watchdog)
    assert _watchdog.stdin is not None  # noqa: S101 (for the type checker)
    _watchdog.stdin.write(line + "\n")
    _watchdog.stdin.flush()


def _dismiss(watchdog: subprocess.Popen[str]) -> None:
    if watchdog.stdin is not None:
        watchdog.stdin.close()
    watchdog.wait(timeout=4 * GRACE_SECONDS)


def _watch() -> None:
    from local.processes import stop_trees  # noqa: PLC0415 (it imports this module)

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
    """Return whether the id still belongs to the process that was remembered.

    A leader that has ended counts too, as long as its id is not reused: its group may still run.
    """
    try:
        return psutil.Process(pid).create_time() == create_time
    except psutil.NoSuchProcess:
        return True


if __name__ == "__main__":
    _watch()
