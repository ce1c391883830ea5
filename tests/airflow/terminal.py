"""`Terminal`: an app with two routes on a real Airflow, and the command line of its operator."""

import json
from typing import Any

from azure.storage.blob import ContainerClient
from typer.testing import CliRunner

from operate.cli import app as command_line
from operate.desk import Desk
from operate.files import pending_of, requests_of, verdicts_on
from operate.origin import Origin
from operate.replay import Replay
from operate.selection import Selection
from operate.work import carry_out
from shared.app import App
from shared.model.errors import RunRefused
from tests.airflow.harness import AirflowHarness


class Terminal:
    """An app with two routes, a container, and a command line for it."""

    def __init__(self, harness: AirflowHarness, connection: str, landing: ContainerClient) -> None:
        self.landing = landing
        container = landing.container_name
        routes = (
            f'[[route]]\nname = "orders"\nmatch = "{container}/orders/**"\ndag_id = "contract_take"\n'
            f'[[route]]\nname = "lost"\nmatch = "{container}/lost/**"\ndag_id = "contract_nowhere"\n'
        )
        self.environ = harness.environment(
            AzureWebJobsStorage=connection,
            LandingStorage=connection,
            LANDING_PATH=f"{container}/{{name}}",
            AIRFLOW_ROUTES=routes,
        )
        self.app = App(self.environ)

    def upload(self, *names: str) -> None:
        """Let files land, and their events get lost."""
        for name in names:
            self.landing.upload_blob(name, b"1,2\n")

    def path(self, name: str) -> str:
        """Return a name as the commands take it."""
        return f"{self.landing.container_name}/{name}"

    def die(self, name: str) -> None:
        """Let the event of a file be a dead letter."""
        desk = self._desk()
        event = desk.reader.read(self.landing.container_name, name)
        assert event is not None
        (run,) = requests_of(event, verdicts_on(desk, event))
        desk.dead_letters.add(pending_of(event, run), RunRefused("params: day is missing"))

    def replay_all(self) -> None:
        """Replay all letters, as one operator among others."""
        desk = self._desk()
        for _ in carry_out(Selection().rows(desk.dead_table), Replay.at(desk, who="ann").replay):
            pass

    def _desk(self) -> Desk:
        return Desk(origin=Origin(title="the test's app", settings=self.environ))

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run a command; return what it showed."""
        result = CliRunner().invoke(command_line, arguments, env=self.environ)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        shown = result.stdout + result.stderr
        assert result.exit_code == status, shown
        return shown

    def run_json(self, *arguments: str, status: int = 0) -> list[dict[str, Any]]:
        """Run a command; return the values that it showed."""
        lines = self.run(*arguments, "--json", status=status).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]
