"""A fuzzer looks for bytes of strangers that the app cannot stand; what it found are tests of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import PACKAGES
from tests.fuzz.targets import ROOT, TARGETS, seeds
from tests.support.missing import missing

IS_FULL = os.environ.get("FUZZ") == "full"
SECONDS = 720
# The short form searches the same inputs each time: CI is not the place for a finding that comes and goes.
BOUNDS = [f"-max_total_time={SECONDS}"] if IS_FULL else ["-runs=40000", "-seed=1"]


@pytest.mark.stack
@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found(target: str, tmp_path: Path) -> None:
    """Some seconds of search for each reader; `make fuzz` takes an hour, and other inputs each time."""
    if not (PACKAGES / "atheris").is_dir():
        missing("atheris is missing: make fuzz installs it")

    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", target, *BOUNDS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    found = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert (done.returncode, found) == (0, {}), done.stdout[-2_000:] + done.stderr[-4_000:]


@pytest.mark.parametrize("target", TARGETS)
def test_search_begins_with_what_is_well(target: str) -> None:
    """Else it would spend its time on bytes that the first line refuses."""
    assert seeds(target)
    for seed in seeds(target):
        TARGETS[target](seed)
