"""Starts the processes that kill themselves; see `tests.support.crash`."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.crash import UNGUARDED

ROOT = Path(__file__).parents[2]
_LEAST_MOMENTS = 8


def run_way(settings: Mapping[str, str], way: list[str], *, kill_at: int = 0) -> int | None:
    """Run one way; give how many moments it had, None if it was killed at `kill_at` as asked."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.crash", *way],
        cwd=ROOT,
        env={**os.environ, **settings, "KILL_AT": str(kill_at)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert UNGUARDED not in done.stderr, done.stderr
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    moments: int = json.loads(done.stdout)["moments"]
    return moments


def crash_everywhere(
    settings: Mapping[str, str],
    prepare: Callable[[str], list[str]],
    recover: Callable[[str], None],
    *,
    every: int,
) -> list[str]:
    """Kill the process at every moment of a way, one after the other; give the blobs that it was about.

    Args:
        settings: App settings of the process.
        prepare: Makes the state before, for a blob of this name; gives the way to take.
        recover: Does what the platform does afterwards, until all is delivered.
        every: 1 for each moment, 3 for each third one.
    """
    names: list[str] = []
    for kill_at in itertools.count(1, every):
        names.append(f"killed-at-{kill_at}.csv")
        moments = run_way(settings, prepare(names[-1]), kill_at=kill_at)
        recover(names[-1])
        if moments is not None:
            # It lived: the way has no further moments.
            assert kill_at > moments >= _LEAST_MOMENTS
            return names
    raise AssertionError
