"""Searches a model with Spin: every state that it can reach."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.support.missing import missing

_SAFE = re.compile(r"errors: 0\b")
_STATES = re.compile(r"(\d+) states, stored")
_CUT_OFF = ("max search depth too small", "reached -DMEMLIM", "out of memory", "Search not completed")


class Search(NamedTuple):
    """What a search has found.

    Attributes:
        is_safe: Whether all states were reached, and none of them is a violation.
        states: How many there are; up to the first violation where there is one.
        text: What Spin says.
    """

    is_safe: bool
    states: int
    text: str


def search(model: Path, flags: list[str], folder: Path) -> Search:
    """Search a model, in a folder for what Spin makes; skip the test where Spin or gcc is missing."""
    for program in ("spin", "gcc"):
        if shutil.which(program) is None:
            missing(f"{program} is missing: apt-get install spin gcc")
    _run(["spin", *flags, "-a", str(model.resolve())], folder)
    _run(["gcc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=8000", "-o", "pan", "pan.c"], folder)
    text = _run(["./pan", "-m1000000"], folder)
    assert not any(words in text for words in _CUT_OFF) or "errors: 1" in text, text
    states = _STATES.search(text)
    assert states, text
    return Search(is_safe=bool(_SAFE.search(text)), states=int(states[1]), text=text)


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
