"""The command line as a process: installed under its name, quick to begin, read by half."""

import importlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from operate.desk import Desk
from tests.operate.samples import wait

ROOT = Path(__file__).parents[2]


def test_entry_point_is_there() -> None:
    """What the project installs as `blob-to-dag` can be called."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["scripts"]["blob-to-dag"].partition(":")

    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.stack
@pytest.mark.parametrize("command", ["waiting", "dead"])
def test_list_imports_no_more_than_it_needs(settings: Mapping[str, str], command: str) -> None:
    """Its first lines come half a second earlier: none of these is needed to read a table."""
    heavy = ["rich", "azure.identity", "azure.storage.blob", "azure.storage.queue", "shared.airflow.client"]
    heavy += ["shared.jobs", "operate.doctor", "operate.page"]
    code = (
        "import atexit, sys\n"
        f"heavy = {heavy}\n"
        "atexit.register(lambda: print([name for name in heavy if name in sys.modules], file=sys.stderr))\n"
        "from operate.cli import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, command],
        cwd=ROOT,
        env={**settings, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stderr.splitlines() == ["There is nothing at all.", "[]"]


@pytest.mark.stack
def test_list_whose_reader_has_seen_enough_ends_quietly(desk: Desk, settings: Mapping[str, str]) -> None:
    """As with `| head`."""
    wait(desk, *(f"{number}.csv" for number in range(1_500)))
    there, here = os.pipe()
    os.close(there)

    done = subprocess.run(
        [sys.executable, "-m", "operate", "waiting"],
        cwd=ROOT,
        env={**settings, "PATH": ""},
        stdout=here,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )
    os.close(here)

    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
