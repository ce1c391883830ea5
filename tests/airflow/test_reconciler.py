"""Lost events, metadata writes, a renamed route and `airflow db clean`, on real Airflows: each file once."""

import os
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.airflow.kind import program_of
from local.airflow.server import environment_of
from shared.app import App
from shared.event_log import EventLog
from shared.timing import Timing
from tests.airflow.harness import AirflowHarness

pytestmark = [pytest.mark.airflow, pytest.mark.stack, pytest.mark.timeout(1_800)]

FILES = 100 if os.environ.get("FAULTS") == "full" else 20
LOST = FILES // 10
WINDOW = timedelta(days=2)
ROUTES = """
[[route]]
name = "{first}"
id = "orders"
match = "{container}/orders/**"
dag_id = "contract_clean"

[[route]]
name = "refunds"
match = "{container}/refunds/**"
dag_id = "contract_clean"
"""


class Clock:
    """The time of day, until the test lets two days pass."""

    stopped_at: datetime | None = None

    def __call__(self) -> datetime:
        return self.stopped_at or datetime.now(UTC)

    def begin_window_at(self, moment: datetime) -> None:
        """Let the window begin at this moment, and stay there."""
        self.stopped_at = moment + WINDOW


class Site:
    """An app, a container, and an Airflow.

    Attributes:
        names: Blobs by when they were uploaded: `old` before the window.
    """

    def __init__(self, harness: AirflowHarness, connection: str, landing: ContainerClient) -> None:
        self.harness = harness
        self.landing = landing
        self.connection = connection
        self.clock = Clock()
        self.start("orders")

    def start(self, first_route: str) -> None:
        """Start the app anew, with another name of its first route."""
        self.log = EventLog()
        environ = self.harness.environment(
            AzureWebJobsStorage=self.connection,
            LandingStorage=self.connection,
            LANDING_PATH=f"{self.landing.container_name}/{{name}}",
            AIRFLOW_ROUTES=ROUTES.format(first=first_route, container=self.landing.container_name),
        )
        self.app = App(environ, self.log, Timing(now=self.clock))
        self.app.dispatch()

    def upload(self, *names: str) -> None:
        """Let files land."""
        for name in names:
            self.landing.upload_blob(name, b"1,2\n")

    def deliver(self, *names: str) -> None:
        """Let their events come."""
        for name in names:
            self.app.on_blob(self.landing.container_name, name)

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs of this container; other tests may have left hundreds that still wait."""
        runs = self.harness.runs("contract_clean")
        return [run for run in runs if run["conf"].get("container") == self.landing.container_name]

    def runs_by_name(self) -> Mapping[str, int]:
        """Count the runs of each file."""
        return Counter(run["conf"]["filename"] for run in self.runs())

    def wait_until_done(self) -> None:
        """Wait until no run waits or runs: only what is done is cleaned."""
        end = time.monotonic() + 600
        while any(run["state"] in {"queued", "running"} for run in self.runs()):
            assert time.monotonic() < end
            time.sleep(1)

    def clean(self, before: datetime) -> None:
        """Run `airflow db clean`, as an operator's cron job does."""
        airflow = self.harness.airflow
        subprocess.run(
            [
                *(str(program_of(airflow.kind)), "db", "clean", "--tables", "dag_run", "--yes"),
                *("--skip-archive", "--clean-before-timestamp", before.isoformat()),
            ],
            env=environment_of(airflow.kind, airflow.place) | dict(airflow.variables),
            check=True,
            capture_output=True,
            timeout=300,
        )


@pytest.fixture
def site(harness: AirflowHarness, storage_account: str) -> Iterator[Site]:
    """Yield an app that has seen its routes."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        landing = service.create_container(f"landing-{uuid.uuid4().hex[:12]}")
        yield Site(harness, storage_account, landing)


@pytest.mark.generations("3-postgres", "2-postgres")
def test_each_file_has_one_run_whatever_was_lost_written_renamed_or_cleaned(site: Site) -> None:
    """Runs that were cleaned are older than the window, so their files are left alone."""
    old = [f"orders/old{number}.csv" for number in range(3)]
    names = [f"{folder}/{number}.csv" for folder in ("orders", "refunds") for number in range(FILES // 2)]
    lost, written = names[:: len(names) // LOST], names[1 :: len(names) // LOST]
    site.upload(*old)
    site.deliver(*old)
    site.wait_until_done()
    time.sleep(1.1)  # storage tells times in seconds
    begin = datetime.now(UTC).replace(microsecond=0)
    site.upload(*names)
    site.deliver(*(name for name in names if name not in lost))
    for name in [*written, old[0]]:
        site.landing.get_blob_client(name).set_blob_metadata({"seen": "yes"})
    site.clock.begin_window_at(begin)

    services = site.app._built()
    services.reconcile(site.app._timing.clock())  # type: ignore[union-attr]  # no time: it stops after the first
    site.clean(begin)
    site.start("orders-again")
    site.app.reconcile()
    site.app.dispatch()
    site.deliver(lost[0])  # its event comes after all
    found = dict(site.log.counts)
    site.app.reconcile()
    site.app.dispatch()

    runs = site.runs_by_name()
    assert {name: runs.get(name, 0) for name in names} == dict.fromkeys(names, 1)
    assert set(runs) - set(names) < set(old), "db clean took the runs of before"
    assert found["reconcile.found"] >= len(lost) - 1
    assert found["reconcile.changed"] == len(written) + 1
    assert site.log.counts["reconcile.found"] == found["reconcile.found"], "nothing is found twice"
