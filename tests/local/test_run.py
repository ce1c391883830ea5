"""`make run`: the stack stays up, takes an upload, and stops on Ctrl-C."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from local.azurite import Azurite

ROOT = Path(__file__).parents[2]

# The fixtures skip where the parts are missing.
pytestmark = [pytest.mark.airflow, pytest.mark.stack, pytest.mark.usefixtures("airflow")]


def test_stack_takes_an_upload_and_stops_on_ctrl_c(azurite: Azurite, tmp_path: Path) -> None:
    """`make upload` and `blob-to-dag --local` find the stack, the run is logged, and nothing is left."""
    file = tmp_path / "report 1.csv"
    file.write_text("a;b\n", encoding="utf-8")
    program = subprocess.Popen(
        [sys.executable, "-m", "local.run"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    timer = threading.Timer(240, program.kill)
    timer.start()
    try:
        assert program.stdout is not None
        output = _read_until(program, "Ctrl-C")
        subprocess.run(
            [sys.executable, "-m", "local.upload", str(file)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=60,
        )
        created = _read_until(program, "run.created")
        status = subprocess.run(
            [sys.executable, "-m", "operate", "status", "--local"],
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        descendants = psutil.Process(program.pid).children(recursive=True)
        program.send_signal(signal.SIGINT)
        rest = program.stdout.read()
        program.wait(timeout=60)
    finally:
        timer.cancel()
        program.kill()
        program.communicate(timeout=10)
    left = [child for child in descendants if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]

    assert "http://127.0.0.1:" in output
    assert "report 1.csv" in created
    assert (status.returncode, status.stderr) == (0, "")
    assert "logged in" in status.stdout
    assert "stopped everything" in rest
    assert left == []
    assert not (ROOT / ".stack" / "run.json").exists()


def _read_until(program: subprocess.Popen[str], text: str) -> str:
    assert program.stdout is not None
    output = ""
    while text not in output and (line := program.stdout.readline()):
        output += line
    assert text in output, output
    return output
