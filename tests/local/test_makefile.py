"""The targets of the Makefile install what they need, seen in a dry run."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local.install import PARTS, USUAL_PARTS

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="GNU make is not installed")


def _commands(target: str) -> str:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def _installed_parts(commands: str) -> set[str]:
    parts: set[str] = set()
    for names in re.findall(r"-m local\.install(.*)", commands):
        parts |= set(names.split() or USUAL_PARTS)
    return parts


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("stack", {"azurite", "airflow-3"}),
        ("test", {"azurite", "airflow-3", "airflow-3-fab", "airflow-2", "kusto", "postgres"}),
        ("test-infra", {"kusto"}),
        ("drill", {"azurite", "kusto"}),
        ("test-faults", {"azurite", "airflow-3", "postgres"}),
        ("test-airflow", set(PARTS) - {"kusto"}),
        ("test-unit", set()),
    ],
)
def test_target_installs_what_it_needs(target: str, parts: set[str]) -> None:
    """A missing part is a skipped test, so from a fresh clone each target installs all of its parts."""
    assert _installed_parts(_commands(target)) == parts


def test_random_order_is_on_only_when_asked_for() -> None:
    """The same unit tests, in one random order over all files."""
    (plain, shuffled) = (
        next(line for line in _commands(target).splitlines() if " -m pytest " in line)
        for target in ("test-unit", "test-random")
    )

    assert "random" not in plain
    assert shuffled.split() == [*plain.split(), "--random-order-bucket=global"]
