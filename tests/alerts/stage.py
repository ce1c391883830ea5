"""`Stage`: the app on Azurite and an Airflow that fails on demand, with a clock that the drill moves.

What the app logs, and what the host says of each invocation, goes into a workspace as Azure would ship it.
"""

import json
import logging
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared.app import App
from shared.config.storage_connection import StorageConnection
from shared.event_log import EventLog
from shared.model.blob_event import blob_url
from shared.model.errors import BlobToDagError
from shared.timing import utc_now
from tests.alerts.queries import Rule
from tests.alerts.runbook import Calls, Section, run
from tests.alerts.workspace import LATENCY, Workspace
from tests.key_vault.azure import MANAGED, Azure
from tests.sources.test_event_grid import event_grid
from tests.support.airflow_server import AirflowServer
from tests.support.clock import FakeClock

_SECRET = "airflow-credentials"
_ROUTES = """
[[route]]
name = "orders"
match = "landing/orders/{name}"
dag_id = "load_orders"

[[route]]
name = "invoices"
match = "landing/invoices/{name}"
dag_id = "load_invoices"
"""
_LEVELS = {logging.INFO: 1, logging.WARNING: 2, logging.ERROR: 3}


class StageClock(FakeClock):
    """A clock whose day can be chosen."""

    def __init__(self, start: datetime) -> None:
        super().__init__()
        self.start = start

    def time(self) -> datetime:
        """Return the time of day."""
        return self.start + timedelta(seconds=self.now - 1_000.0)


@dataclass(kw_only=True)
class Stage:
    """An app, what is around it, and what a workspace knows of it.

    Attributes:
        storage: Connection string of an empty account.
        airflow: Stands for Airflow.
        azure: Stands for Entra ID and Key Vault.
        folder: For what the runbook's commands leave.
        start: When it begins. Commands of people have no other clock than the machine's.
        is_capped: Whether the workspace takes no rows.
        is_timer_stopped: Whether the host does not call the dispatcher.
        workspace: What was shipped.
        settings: App settings, which count from the next `restart`.
        deployed: What the templates say they are.
        broken: Undoes a fault in the app's own code.
    """

    storage: str
    airflow: AirflowServer
    azure: Azure
    folder: Path
    start: datetime = field(default_factory=utc_now)
    is_capped: bool = False
    is_timer_stopped: bool = False
    workspace: Workspace = field(default_factory=Workspace)
    broken: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)

    def __post_init__(self) -> None:
        self.airflow.dags = {"load_orders", "load_invoices"}
        self.azure.put(_SECRET, json.dumps({"username": "admin", "password": "admin"}))
        self.clock = StageClock(self.start)
        self.settings = {
            "AIRFLOW_BASE_URL": self.airflow.base_url,
            "AIRFLOW_ROUTES": _ROUTES,
            "AIRFLOW_MAX_RUNS_PER_MINUTE": "600",
            "AIRFLOW_READ_TIMEOUT_SECONDS": "1",
            "AIRFLOW_RETRY_BUDGET_SECONDS": "1",
            "AzureWebJobsStorage": self.storage,
            "LandingStorage": self.storage,
            "KEY_VAULT_URI": self.azure.vault_uri,
            "AIRFLOW_CREDENTIAL_SECRET": _SECRET,
            "AZURE_CLIENT_ID": MANAGED,
        }
        self.deployed = dict(self.settings)
        self._endpoint = StorageConnection(name="x", connection_string=self.storage).blob_url
        self._rows: dict[str, list[dict[str, object]]] = {"AppTraces": [], "AppRequests": []}
        self._function = ""
        self._files = 0
        logger = logging.Logger("drill", logging.INFO)  # noqa: LOG001  (of this stage alone)
        logger.addHandler(_Shipping(self._ship_line))
        self.log = EventLog(logger)
        self.restart()

    def set_clock(self, moment: datetime) -> None:
        """Go on at another time of another day."""
        self.clock.start = moment - timedelta(seconds=self.clock.now - 1_000.0)

    def restart(self) -> None:
        """Start the app anew, as a change of its settings does."""
        self.app = App(dict(self.settings), self.log, self.clock.timing())

    def change_secret(self, **fields: str) -> None:
        """Store other credentials in the vault."""
        self.azure.put(_SECRET, json.dumps(fields))

    def arrive(self, route: str = "orders", count: int = 1) -> None:
        """Let files land; the host tries each five times at most."""
        for _ in range(count):
            self._files += 1
            name = f"{route}/{self._files}.csv"
            event = event_grid(name, url=blob_url(self._endpoint, "landing", name), eTag=f"0x{self._files:X}")
            event["eventTime"] = (self.clock.time() - timedelta(seconds=1)).isoformat()
            body = json.dumps(event).encode()
            for _attempt in range(5):
                if self._invoke("queue_to_dag", lambda body=body: self.app.on_event(body)):  # type: ignore[misc]
                    break

    def pass_time(self, minutes: float, *, tick: float = 60.0, files: int = 0) -> None:
        """Let time pass, with the timer firing at each tick, and files landing at each."""
        end = self.clock.now + minutes * 60
        while self.clock.now < end:
            before = self.clock.now
            self.arrive(count=files)
            if not self.is_timer_stopped:
                self._invoke("dispatcher", self.app.dispatch)
            self.clock.now = max(before + tick, self.clock.now)

    def fired(self, rules: list[Rule]) -> dict[str, set[tuple[str, ...]]]:
        """Return the alerts that fire once the last lines have arrived."""
        for table, rows in self._rows.items():
            if rows and not self.is_capped:
                self.workspace.add(table, rows)
            rows.clear()
        now = self.clock.time() + LATENCY
        found = {rule.name: self.workspace.fired(rule, now=now) for rule in rules}
        return {name: alerts for name, alerts in found.items() if alerts}

    def say(self, detail: str) -> None:
        """Let the workspace speak of itself, which it does even past its cap."""
        self.workspace.add("Operation", [{"TimeGenerated": self.clock.time(), "Detail": detail}])

    def follow(self, section: Section, *, typed: str = "") -> Calls:
        """Run the commands of a runbook, with the log-in of a person who may do everything."""
        own = {name: value for name, value in self.deployed.items() if not name.startswith("KEY_VAULT")}
        person = own | {"AIRFLOW_USERNAME": "admin", "AIRFLOW_PASSWORD": "admin"}
        return run(section, settings=person, typed=typed, folder=self.folder)

    def operate(self, *arguments: str) -> None:
        """Run `blob-to-dag`."""
        block = shlex.join(["blob-to-dag", *arguments])
        self.follow(Section(name="", text="", blocks=(block,)))

    def _invoke(self, function: str, call: Callable[[], None]) -> bool:
        """Call a function as the host does, which says so before and after."""
        self._function = function
        self._ship(f"Executing 'Functions.{function}' (Reason='(null)', Id={self._files})", 1)
        succeeded = True
        try:
            call()
        except BlobToDagError as error:
            succeeded = False
            self._ship(f"Executed 'Functions.{function}' (Failed, Id={self._files}): {error.code}", 3)
        else:
            self._ship(f"Executed 'Functions.{function}' (Succeeded, Id={self._files}, Duration=20ms)", 1)
        row = {"TimeGenerated": self.clock.time(), "Name": function, "Success": succeeded, "DurationMs": 20.0}
        self._rows["AppRequests"].append(row)
        return succeeded

    def _ship_line(self, record: logging.LogRecord) -> None:
        self._ship(record.getMessage(), _LEVELS[record.levelno])

    def _ship(self, message: str, level: int) -> None:
        self._rows["AppTraces"].append(
            {
                "TimeGenerated": self.clock.time(),
                "Message": message,
                "SeverityLevel": level,
                "OperationName": self._function,
                "OperationId": f"{self._files:032x}",
                "AppRoleName": "func-drill",
                "Properties": {"Category": f"Function.{self._function}.User"},
            }
        )


class _Shipping(logging.Handler):
    def __init__(self, ship: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._ship = ship

    def emit(self, record: logging.LogRecord) -> None:
        self._ship(record)
