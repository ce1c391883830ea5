"""The app against a real Azurite and an Airflow that fails as the test says. Everything here is bounded."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

from local.azurite import Azurite
from shared.app import App
from shared.config.storage_connection import StorageConnection
from shared.event_log import EventLog
from shared.model.errors import BlobToDagError
from shared.storage.accounts import StorageAccount
from shared.storage.dead_letters import CONTAINER
from shared.storage.outbox import QUEUE
from tests.support.airflow_server import AirflowServer, airflow_server
from tests.support.scale import scaled
from tests.support.times import FAST

_PLATFORM_ATTEMPTS = 5


@dataclass(kw_only=True)
class Site:
    """A landing container, an Airflow, and as many apps as the test starts.

    Attributes:
        azurite: The storage.
        landing: The container that blobs land in.
        airflow: The server that stands in for Airflow.
        log: The log of all apps.
        seed: Of everything random in the test; printed when it fails.
    """

    azurite: Azurite
    landing: ContainerClient
    airflow: AirflowServer
    log: EventLog = field(default_factory=EventLog)
    seed: int = field(default_factory=lambda: time.time_ns() % 10**6)

    def __post_init__(self) -> None:
        print(f"seed {self.seed}")  # noqa: T201  (shown by pytest when the test fails)
        self.random = random.Random(self.seed)  # noqa: S311  (a test, no secret)

    def app(self, **settings: str) -> App:
        """Start an instance."""
        return App(self.settings(**settings), self.log, FAST)

    def settings(self, **changes: str) -> dict[str, str]:
        """Give app settings with short delays."""
        return {
            "AIRFLOW_BASE_URL": self.airflow.base_url,
            "AIRFLOW_DAG_ID": "copy_file",
            "AIRFLOW_USERNAME": "admin",
            "AIRFLOW_PASSWORD": "admin",
            "AIRFLOW_READ_TIMEOUT_SECONDS": "1",
            "AIRFLOW_RETRY_BUDGET_SECONDS": "1",
            "AzureWebJobsStorage": self.azurite.connection_string,
            "LandingStorage": self.azurite.connection_string,
            "LANDING_PATH": f"{self.landing.container_name}/{{name}}",
            "PARK_MIN_DELAY_SECONDS": "1",
            "PARK_MAX_DELAY_SECONDS": "2",
        } | changes

    def upload(self, count: int, *, prefix: str = "") -> list[str]:
        """Upload small blobs and give their names."""
        names = [f"{prefix}{number}.csv" for number in range(count)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: self.landing.upload_blob(name, b"x", overwrite=True), names))
        return names

    def deliver(self, app: App, names: list[str], *, threads: int = 16) -> None:
        """Call the app for each name as the platform does: five times at the most where it fails."""

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

    def parked(self) -> int:
        """Count parked events, hidden ones too."""
        return _count(self.azurite, QUEUE)

    def drain(
        self, *apps: App, seconds: float = scaled(60, 600), until: Callable[[], bool] | None = None
    ) -> None:
        """Run the dispatchers, all at once, until nothing is parked."""
        end = time.monotonic() + seconds
        is_done = until or (lambda: self.parked() == 0)
        while not is_done():
            assert time.monotonic() < end, f"{self.parked()} events are still parked; {self.log.counts}"
            threads = [threading.Thread(target=app.dispatch) for app in apps]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            time.sleep(0.05)

    def letters(self) -> list[str]:
        """Name the dead letters."""
        blobs = _account(self.azurite).blobs.get_container_client(CONTAINER)
        try:
            return list(blobs.list_blob_names())
        except ResourceNotFoundError:
            return []


@pytest.fixture
def site(azurite: Azurite, landing: ContainerClient) -> Iterator[Site]:
    """Give a site with empty queues and no dead letters."""
    account = _account(azurite)
    with suppress(ResourceNotFoundError):
        account.queues.delete_queue(QUEUE)
    with suppress(ResourceNotFoundError):
        account.blobs.delete_container(CONTAINER)
    with airflow_server() as airflow:
        yield Site(azurite=azurite, landing=landing, airflow=airflow)


def _account(azurite: Azurite) -> StorageAccount:
    connection = StorageConnection(name="x", connection_string=azurite.connection_string)
    return StorageAccount(connection, threads=2)


def _count(azurite: Azurite, queue: str) -> int:
    try:
        client = _account(azurite).queues.get_queue_client(queue)
        return client.get_queue_properties().approximate_message_count or 0
    except ResourceNotFoundError:
        return 0
