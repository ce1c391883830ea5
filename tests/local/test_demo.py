"""The demo: a file from its upload to the log of a task in a real Airflow."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from local.azurite import Azurite
from local.demo import FILES, demo
from local.stack import Ports

ROOT = Path(__file__).parents[2]

# The fixtures skip where the parts are missing.
pytestmark = [pytest.mark.airflow, pytest.mark.stack, pytest.mark.usefixtures("azurite", "airflow")]


def test_demo_shows_a_successful_run_with_its_conf_for_each_file(capfd: pytest.CaptureFixture[str]) -> None:
    """Each file has one run, and its task logged the file's name and size."""
    shown = demo(ports=Ports())
    output = capfd.readouterr().out

    assert [one.filename for one in shown] == list(FILES)
    assert {one.run.state for one in shown} == {"success"}
    for one in shown:
        conf = json.loads(one.conf)
        assert (conf["filename"], conf["size"]) == (one.filename, len(FILES[one.filename]))
        assert conf == one.run.conf
        assert one.run.run_id in output
    assert "stopped everything" in output


def test_interrupted_demo_stops_everything(azurite: Azurite) -> None:
    """Ctrl-C in the middle leaves no process."""
    program = subprocess.Popen(
        [sys.executable, "-m", "local.demo"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    timer = threading.Timer(240, program.kill)
    timer.start()
    try:
        assert program.stdout is not None
        output: list[str] = []
        while (line := program.stdout.readline()) and not line.startswith("uploaded"):
            output.append(line)
        descendants = psutil.Process(program.pid).children(recursive=True)
        program.send_signal(signal.SIGINT)
        rest = program.stdout.read()
        code = program.wait(timeout=60)
    finally:
        timer.cancel()
        program.kill()
        program.communicate(timeout=10)
    left = [child for child in descendants if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]

    # Azurite, three of Airflow, the host.
    assert len(descendants) >= 5, "".join(output)
    assert "stopped everything\ninterrupted\n" in rest
    assert code == 1
    assert left == []
