"""`blob-to-dag ui` as a program."""

import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from tests.operate.conftest import Run

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[3]


def test_command_prints_the_address_and_ends_with_ctrl_c(settings: Mapping[str, str]) -> None:
    """The address alone stands on standard output; a second start has another one."""
    with subprocess.Popen(
        [sys.executable, "-m", "operate", "ui", "--who", "ann"],
        cwd=ROOT,
        env={**settings, "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        address = program.stdout.readline().strip()
        shown = requests.get(f"{address}waiting", timeout=60)
        program.send_signal(signal.SIGINT)
        said = program.stderr.read()

    assert shown.status_code == 200
    assert program.returncode == 0
    assert "Ctrl-C" in said
    assert "no-such-secret" not in said + shown.text


def test_port_that_is_taken_is_said(run: Run) -> None:
    """With what to do instead."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        shown = run("ui", "--port", str(taken.getsockname()[1]))

    assert shown.status == 1
    assert "give another one, or none for any" in shown.err
