"""The app against a real Azurite and an Airflow that fails as the test says. Everything here is bounded."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from azure.storage.blob import ContainerClient

from shared.app import App
from shared.config.storage_connection import StorageConnection
from shared.event_log import EventLog
from shared.model.errors import BlobToDagError, StorageUnavailable
from shared.model.pending import Pending
from shared.storage.accounts import StorageAccount
from shared.storage.outbox import Outbox
from shared.storage.tables import Table
from shared.timing import Timing, utc_now
from tests.support.airflow_server import AirflowServer
from tests.support.rows import DEAD_LETTERS, OUTBOX, count_rows, read_rows
from tests.support.scale import scaled
from tests.support.times import FAST

_PLATFORM_ATTEMPTS = 5


@dataclass(kw_only=True)
class FaultHarness:
    """A storage account, a landing container in it, an Airflow, and as many apps as the test starts.

    Attributes:
        storage: Connection string of the account.
        landing: The container that blobs land in.
        airflow: The server that stands in for Airflow.
        log: The log of all apps.
        seed: Of everything random in the test; printed when it fails.
    """

    storage: str
    landing: ContainerClient
    airflow: AirflowServer
    log: EventLog = field(default_factory=EventLog)
    seed: int = field(default_factory=lambda: time.time_ns() % 10**6)

    def __post_init__(self) -> None:
        print(f"seed {self.seed}")  # noqa: T201  (shown by pytest when the test fails)
        self.random = random.Random(self.seed)  # noqa: S311  (a test, no secret)

    def app(self, timing: Timing = FAST, **settings: str) -> App:
        """Start an instance."""
        return App(self.settings(**settings), self.log, timing)

    def settings(self, **changes: str) -> dict[str, str]:
        """Return app settings with short time-outs."""
        return {
            "AIRFLOW_BASE_URL": self.airflow.base_url,
            "AIRFLOW_DAG_ID": "copy_file",
            "AIRFLOW_USERNAME": "admin",
            "AIRFLOW_PASSWORD": "admin",
            "AIRFLOW_READ_TIMEOUT_SECONDS": "1",
            "AIRFLOW_RETRY_BUDGET_SECONDS": "1",
            "AzureWebJobsStorage": self.storage,
            "LandingStorage": self.storage,
            "LANDING_PATH": f"{self.landing.container_name}/{{name}}",
        } | changes

    def account(self) -> StorageAccount:
        """Return clients of the account, as the app has them."""
        return StorageAccount(StorageConnection(name="x", connection_string=self.storage), threads=2)

    def upload(self, count: int, *, prefix: str = "") -> list[str]:
        """Upload small blobs and return their names."""
        names = [f"{prefix}{number}.csv" for number in range(count)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: self.landing.upload_blob(name, b"x", overwrite=True), names))
        return names

    def deliver(self, app: App, names: list[str], *, threads: int = 16) -> None:
        """Call the app for each name as the platform does: five times at most if it fails."""

        def call(name: str) -> None:
            for attempt in range(_PLATFORM_ATTEMPTS):
                try:
                    return app.on_blob(self.landing.container_name, name)
                except BlobToDagError:
                    if attempt == _PLATFORM_ATTEMPTS - 1:
                        raise
            return None

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(call, names))

    def park(self, names: list[str]) -> None:
        """Let events wait that name their blobs only."""
        outbox = Outbox(Table(self.account(), OUTBOX), now=utc_now)
        for name in names:
            outbox.park(Pending(container=self.landing.container_name, name=name))

    def waiting(self) -> int:
        """Return how many events wait."""
        return count_rows(self.storage, OUTBOX)

    def dead(self) -> list[dict[str, Any]]:
        """Return the dead letters."""
        return read_rows(self.storage, DEAD_LETTERS)

    def drain(
        self, *apps: App, seconds: float = scaled(60, 600), until: Callable[[], bool] | None = None
    ) -> None:
        """Run the dispatchers, all at once, until no event waits."""
        end = time.monotonic() + seconds
        is_done = until or (lambda: self.waiting() == 0)
        while not is_done():
            assert time.monotonic() < end, f"{self.waiting()} events still wait; {self.log.counts}"
            with ThreadPoolExecutor(len(apps)) as pool:
                for done in [pool.submit(app.dispatch) for app in apps]:
                    # An invocation that fails is logged by the host; the next tick tries again.
                    with suppress(StorageUnavailable):
                        done.result(30)
            time.sleep(0.05)

    def assert_one_run_each(self, names: list[str], *, dead: int = 0) -> None:
        """Assert that each blob has one run, nothing waits, and so many events are dead."""
        ran = sorted(body["conf"]["filename"] for body in self.airflow.runs.values())
        assert ran == sorted(names)
        assert self.waiting() == 0
        assert len(self.dead()) == dead
