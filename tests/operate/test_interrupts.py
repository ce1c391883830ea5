"""Ctrl-C at several points of each command that changes something; then the same command again."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from operate.desk import Desk
from shared.app import App
from shared.model.errors import AirflowUnclear
from tests.operate.samples import LANE, die, pending
from tests.support.airflow_server import AirflowServer, Exchange, airflow_server
from tests.support.rows import DEAD_LETTERS, LANE_STATE, OUTBOX, read_rows
from tests.support.scale import scaled

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
ROWS = scaled(300, 3_000)
NAMES = [f"{number}.csv" for number in range(ROWS)]
SETTLED = "airflowsettled"
LINES = (1, 100)
"""How many rows are done, as the command says, when Ctrl-C comes."""


def _start(settings: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "operate", *arguments],
        cwd=ROOT,
        env={**settings, "PATH": "", "USER": "ann"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _interrupted(settings: Mapping[str, str], *arguments: str, lines: int) -> str:
    """Run a command until it has shown so many lines, then press Ctrl-C; return what it said."""
    with _start(settings, *arguments) as program:
        assert program.stdout is not None
        for _ in range(lines):
            assert program.stdout.readline()
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=120)
    assert program.returncode == 130, said
    assert "Traceback" not in said
    assert "Nothing is half done; the same command goes on." in said
    return said


def _again(settings: Mapping[str, str], *arguments: str) -> None:
    with _start(settings, *arguments) as program:
        _, said = program.communicate(timeout=120)
    assert program.returncode == 0, said


def _names(connection: str, table: str) -> list[str]:
    return [str(row["name"]) for row in read_rows(connection, table) if row["RowKey"] != LANE_STATE]


@pytest.mark.parametrize("lines", LINES)
def test_replay(desk: Desk, settings: Mapping[str, str], storage_account: str, lines: int) -> None:
    """Each letter is in the outbox or among the dead, in one of them; the second call takes the rest."""
    die(desk, *NAMES)
    command = ("dead", "replay", "--all", "--yes", "--json")

    said = _interrupted(settings, *command, lines=lines)

    waiting, dead = _names(storage_account, OUTBOX), _names(storage_account, DEAD_LETTERS)
    assert "replay: stopped after at least" in said
    assert len(waiting) >= lines
    assert dead
    assert sorted(waiting + dead) == sorted(NAMES)
    _again(settings, *command)
    assert _names(storage_account, DEAD_LETTERS) == []
    assert sorted(_names(storage_account, OUTBOX)) == sorted(NAMES)


@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize(("place", "table"), [("dead", DEAD_LETTERS), ("waiting", OUTBOX)])
def test_drop(
    desk: Desk, settings: Mapping[str, str], storage_account: str, place: str, table: str, lines: int
) -> None:
    """Each version is still there or noted as dropped, never both, never neither."""
    if place == "dead":
        die(desk, *NAMES)
    else:
        _park(desk)
    command = (place, "drop", "--all", "--why", "a test", "--yes", "--json")

    said = _interrupted(settings, *command, lines=lines)

    left, dropped = _names(storage_account, table), _dropped(storage_account)
    assert "drop: stopped after at least" in said
    assert len(dropped) >= lines
    assert left
    assert sorted(left + dropped) == sorted(NAMES)
    _again(settings, *command)
    assert _names(storage_account, table) == []
    assert sorted(_dropped(storage_account)) == sorted(NAMES)


def _dropped(connection: str) -> list[str]:
    return [str(row["name"]) for row in read_rows(connection, SETTLED) if "name" in row]


def _park(desk: Desk) -> None:
    later = desk.timing.now() + timedelta(hours=1)
    error = AirflowUnclear("x")
    for name in NAMES:
        desk.outbox.park(pending(name).after(error, now=later, not_before=later))
    desk.outbox.hold(LANE, error)


@pytest.mark.parametrize("lines", LINES)
def test_retry(desk: Desk, settings: Mapping[str, str], storage_account: str, lines: int) -> None:
    """No row is lost; the hold of the lane ends when all are due."""
    _park(desk)
    command = ("waiting", "retry", "--all", "--yes", "--json")

    said = _interrupted(settings, *command, lines=lines)

    assert "retry: stopped after at least" in said
    assert lines <= _due(desk) < ROWS
    assert sorted(_names(storage_account, OUTBOX)) == sorted(NAMES)
    assert desk.outbox.state(LANE) is not None
    _again(settings, *command)
    assert _due(desk) == ROWS
    assert desk.outbox.state(LANE) is None


def _due(desk: Desk) -> int:
    rows = (row for row in desk.outbox_table.scan() if row["RowKey"] != LANE_STATE)
    return sum(row["not_before"] <= desk.timing.now() for row in rows)


@pytest.fixture
def airflow(settings: dict[str, str]) -> Iterator[AirflowServer]:
    """Yield an Airflow that the app's settings name."""
    with airflow_server() as airflow:
        settings["AIRFLOW_BASE_URL"] = airflow.base_url
        yield airflow


@pytest.fixture
def landing(storage_account: str) -> Iterator[ContainerClient]:
    """Yield the container that the app watches."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        yield service.create_container("landing")


@pytest.mark.parametrize("lines", [1, 15])
def test_backfill(
    settings: dict[str, str],
    airflow: AirflowServer,
    landing: ContainerClient,
    storage_account: str,
    lines: int,
) -> None:
    """What was sent waits or has a run, and is not sent again."""
    names = [f"{number}.csv" for number in range(30)]
    for name in names:
        landing.upload_blob(name, b"1,2")
    command = ("backfill", "landing/", "--yes", "--json", "--per-minute", "600")

    said = _interrupted(settings, *command, lines=lines)

    sent = _names(storage_account, OUTBOX)
    assert "Stopped: at least" in said
    assert lines <= len(sent) < len(names)
    App(settings).dispatch()
    assert len(airflow.runs) == len(sent)
    _again(settings, *command)
    assert sorted(_names(storage_account, OUTBOX)) == sorted(set(names) - set(sent))
    App(settings).dispatch()
    assert sorted(run["conf"]["filename"] for run in airflow.runs.values()) == sorted(names)


def _while_asked(airflow: AirflowServer, method: str, act: Callable[[], None]) -> None:
    """Act when Airflow has done what it is asked for, and has not answered yet."""

    def fault(exchange: Exchange) -> bool:
        if exchange.method != method or "dagRuns" not in exchange.path:
            return False
        exchange.commit()
        time.sleep(0.3)  # until the command waits for the answer
        act()
        time.sleep(2)
        exchange.hang_up()
        return True

    airflow.faults.append(fault)


def _params(exchange: Exchange) -> bool:
    is_asked = exchange.path.endswith("/details")
    if is_asked:
        exchange.answer(200, {"params": {}})
    return is_asked


@pytest.mark.parametrize(
    ("arguments", "method", "said", "waiting", "runs"),
    [
        (("send", "landing/a.csv"), "GET", "Nothing is half done", 0, 0),
        (("send", "landing/a.csv", "--again"), "POST", "~again~1 may be there: look with `trace`", 0, 1),
        (("trigger", "copy_file"), "POST", "repeat this with --run-id by-hand__", 0, 1),
    ],
    ids=["send", "send again", "trigger"],
)
def test_one_run(
    settings: dict[str, str],
    airflow: AirflowServer,
    landing: ContainerClient,
    storage_account: str,
    arguments: tuple[str, ...],
    method: str,
    said: str,
    waiting: int,
    runs: int,
) -> None:
    """While Airflow is asked. A request that is out cannot be called back: then it says what to look for."""
    landing.upload_blob("a.csv", b"1,2")
    airflow.faults.append(_params)
    with _start(settings, *arguments) as program:
        _while_asked(airflow, method, lambda: program.send_signal(signal.SIGINT))
        _, shown = program.communicate(timeout=60)

    assert program.returncode in {1, 130}
    assert said in shown
    assert "Traceback" not in shown
    assert len(_names(storage_account, OUTBOX)) == waiting
    assert len(airflow.runs) == runs
