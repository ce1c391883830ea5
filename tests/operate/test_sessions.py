"""The sessions of docs/sessions.md, replayed word by word on Azurite and a stand-in for Airflow 3."""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient
from typer.testing import CliRunner

from local.processes import free_port
from operate import command
from operate.cli import app as command_line
from operate.origin import find_origin
from shared.app import App
from tests.support.airflow_server import AirflowServer, Exchange, airflow_server

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sessions.md").read_text(encoding="utf-8")
SESSIONS = {
    title: block.splitlines()
    for title, block in re.findall(r"^## (.+?)$.*?```console\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
}

ROUTES = "".join(
    f'[[route]]\nname = "{name}"\nmatch = "landing/{name}/**"\ndag_id = "load_{name}"\n'
    for name in ("orders", "invoices")
)

DIFFERS = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "TIME"),
    (r"0x[0-9A-F]+", "ETAG"),
    (r"__[0-9a-f]{32}", "__DIGEST"),
    (r"\b\d+(d \d+h|h \d+m|m \d+s|s)\b", "AGE"),
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"ADDRESS/\w+/landing/", "ADDRESS/ACCOUNT/landing/"),
    (r"  +", "  "),
)
"""What no two recordings have in common: times, versions, addresses, and how wide they are."""


class World:
    """The local stack of a session: storage, an app, and an Airflow that may be down or wrong."""

    airflow: AirflowServer

    def __init__(self, landing: ContainerClient, settings: Mapping[str, str], started: ExitStack) -> None:
        self.landing = landing
        self.settings = dict(settings)
        self.port = int(settings["AIRFLOW_BASE_URL"].rpartition(":")[2])
        self.started = started
        self.app = App(self.settings)

    def start_airflow(self, *dags: str) -> None:
        """Start an Airflow with these DAGs."""
        password = self.settings["AIRFLOW_PASSWORD"]
        self.airflow = self.started.enter_context(
            airflow_server(
                port=self.port, dags=set(dags or ("load_orders", "load_invoices")), password=password
            )
        )

    def upload(self, *names: str) -> None:
        """Let files land, and their events get lost."""
        for name in names:
            self.landing.upload_blob(name, b"1,2\n")

    def land(self, *names: str) -> None:
        """Let files land, with their events."""
        self.upload(*names)
        for name in names:
            self.app.on_blob(self.landing.container_name, name)

    def run(self, line: str) -> list[str]:
        """Run a command as it stands on the page; return the lines that it showed."""
        program, *arguments = shlex.split(line)
        assert program == "blob-to-dag"
        result = CliRunner().invoke(command_line, arguments)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return [text.rstrip() for text in result.output.splitlines()]


@pytest.fixture
def world(storage_account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Yield a local stack whose settings `--local` finds, with Airflow still down."""
    settings = {
        "AzureWebJobsStorage": storage_account,
        "LandingStorage": storage_account,
        "AIRFLOW_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "AIRFLOW_ROUTES": ROUTES,
        "AIRFLOW_USERNAME": "admin",
        "AIRFLOW_PASSWORD": "right",
        "AIRFLOW_RETRY_BUDGET_SECONDS": "1",
        # One after the other: `runs` lists them in the order in which they were made.
        "AIRFLOW_MAX_CONCURRENCY": "1",
    }
    monkeypatch.setattr(command, "find_origin", partial(find_origin, root=tmp_path))
    monkeypatch.setenv("USER", "ann")
    monkeypatch.setenv("COLUMNS", "200")
    with BlobServiceClient.from_connection_string(storage_account) as service, ExitStack() as started:
        yield World(service.create_container("landing"), settings, started)


def _wrong_password(world: World) -> None:
    world.start_airflow()
    world.airflow.password = "changed"
    world.land("orders/a.csv")


def _new_password(world: World) -> None:
    world.settings["AIRFLOW_PASSWORD"] = world.airflow.password
    world.app = App(world.settings)


def _airflow_down(world: World) -> None:
    world.land("orders/a.csv")


def _dag_missing(world: World) -> None:
    world.start_airflow("load_invoices")
    world.land("orders/a.csv", "invoices/a.csv")


def _dag_deployed(world: World) -> None:
    world.airflow.dags.add("load_orders")


def _conf_refused(world: World) -> None:
    def refuse(exchange: Exchange) -> bool:
        is_refused = exchange.path.endswith("load_orders/dagRuns")
        if is_refused:
            exchange.answer(400, {"detail": "Invalid input for param day: No value passed"})
        return is_refused

    world.start_airflow()
    world.airflow.faults.append(refuse)
    world.land("orders/a.csv")


def _from_before(world: World) -> None:
    world.start_airflow()
    world.upload("orders/2026-10-01.csv")
    world.land("orders/a.csv")


def _never_came(world: World) -> None:
    world.start_airflow()
    world.upload("orders/C.csv")


BEFORE: Mapping[str, Callable[[World], None]] = {
    "Wrong password": _wrong_password,
    "Airflow is down": _airflow_down,
    "The DAG is missing": _dag_missing,
    "The conf is refused": _conf_refused,
    "A file from before the deployment": _from_before,
    "A file that never came": _never_came,
}
"""What has happened before each session of the page."""

ELSEWHERE: Mapping[str, Callable[[World], None]] = {
    "# Half a minute later:": lambda world: world.app.dispatch(),
    "# The new password is stored in the vault.": _new_password,
    "# Airflow is started.": World.start_airflow,
    "# The file of the DAG is deployed.": _dag_deployed,
    "# The param gets a default, or the route a conf with it, and that is deployed.": (
        lambda world: world.airflow.faults.clear()
    ),
}
"""What happens where a line of the page says so."""


def replayed(world: World, session: list[str], state: Path) -> list[str]:
    """Return a session as it is when it is done again."""
    lines: list[str] = []
    for line in session:
        if line.startswith("# "):
            lines.append(line)
            ELSEWHERE[line](world)
        elif line.startswith("$ "):
            state.write_text(json.dumps({"settings": world.settings}), encoding="utf-8")
            lines += [line, *world.run(line.removeprefix("$ "))]
    return lines


def in_common(lines: list[str]) -> str:
    """Return lines without what differs each time, as one text: pytest shows which of them are others."""
    for pattern, name in DIFFERS:
        lines = [re.sub(pattern, name, line) for line in lines]
    return "\n".join(line.rstrip() for line in lines)


def test_every_session_of_the_page_is_replayed() -> None:
    """None is left out, and each has less than five commands."""
    assert list(SESSIONS) == list(BEFORE)
    for title, session in SESSIONS.items():
        assert sum(line.startswith("$ ") for line in session) < 5, title


@pytest.mark.parametrize("title", SESSIONS)
def test_session_is_as_the_page_has_it(world: World, tmp_path: Path, title: str) -> None:
    """Each line that a command shows, and at the end a run for each file."""
    state = tmp_path / ".stack" / "run.json"
    state.parent.mkdir()
    BEFORE[title](world)

    lines = replayed(world, SESSIONS[title], state)

    assert in_common(lines) == in_common(SESSIONS[title])
    blobs = {f"landing/{blob.name}" for blob in world.landing.list_blobs()}
    confs = [run["conf"] for run in world.airflow.runs.values()]
    assert sorted(f"{conf['container']}/{conf['filename']}" for conf in confs) == sorted(blobs)
