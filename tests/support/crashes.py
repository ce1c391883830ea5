"""Starts the processes that kill themselves; see `tests.support.crash`."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.crash import UNGUARDED
from tests.support.scale import IS_FULL

ROOT = Path(__file__).parents[2]
_LEAST_MOMENTS = 8

type Take = Callable[[Mapping[str, str], list[str], int], dict[str, Any]]


@contextmanager
def _ways() -> Iterator[Take]:
    """Yield what takes a way in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.crash"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        orders, answers = process.stdin, process.stdout

        def take(settings: Mapping[str, str], way: list[str], kill_at: int) -> dict[str, Any]:
            orders.write(json.dumps({"settings": dict(settings), "way": way, "kill_at": kill_at}) + "\n")
            orders.flush()
            answer: dict[str, Any] = json.loads(answers.readline())
            assert "failed" not in answer, answer["failed"]
            assert not answer.get(UNGUARDED), answer[UNGUARDED]
            return answer

        yield take
        orders.close()


def crash_everywhere(
    settings: Mapping[str, str],
    prepare: Callable[[str], list[str]],
    recover: Callable[[str], None],
) -> list[str]:
    """Kill a process at every moment of a way, one after the other; return the blobs that it was about.

    In the short form at each third moment: today, tomorrow and the day after together are all of them.

    Args:
        settings: App settings of the process.
        prepare: Makes the state before, for a blob of this name; returns the way to take.
        recover: Does what the platform does afterwards, until all is delivered.
    """
    first, step = (1, 1) if IS_FULL else (1 + datetime.now(UTC).toordinal() % 3, 3)
    print(f"killed at moments {first}, {first + step}, {first + 2 * step} ...")  # noqa: T201
    names: list[str] = []
    with _ways() as take:
        for kill_at in itertools.count(first, step):
            names.append(f"killed-at-{kill_at}.csv")
            answer = take(settings, prepare(names[-1]), kill_at)
            recover(names[-1])
            if "killed" not in answer:
                # It lived: the way has no further moments.
                assert kill_at > answer["moments"] >= _LEAST_MOMENTS, answer
                return names
    raise AssertionError
