"""Batches against Azurite, killed at every I/O call and of any size: each file is in exactly one run."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.app import App
from shared.model.pending import Pending
from shared.storage.outbox import Outbox
from shared.storage.tables import Table
from tests.faults.test_crashes import CrashHarness
from tests.support.crashes import crash_everywhere
from tests.support.fakes import routes
from tests.support.fault_harness import FaultHarness
from tests.support.rows import OUTBOX
from tests.support.samples import blob_event
from tests.support.scale import IS_FULL, scaled
from tests.support.times import fast_now

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(2_400),
    pytest.mark.fault("files of batches", airflow="stand-in, SQLite keys"),
]
LARGEST_CONF = "262144"


def route_of(harness: FaultHarness, batch: str) -> str:
    """Return a file of routes whose one route makes a batch of each folder."""
    return (
        f'[[route]]\nname = "r"\nmatch = "{harness.landing.container_name}/{{folder}}/{{file}}"\n'
        f'dag_id = "copy_file"\nbatch = {{ by = "{{folder}}", {batch} }}\n'
    )


def assert_in_one_run_each(harness: FaultHarness, names: list[str]) -> None:
    """Assert that each file is in exactly one run."""
    ran = Counter(
        file["filename"] for body in harness.airflow.runs.values() for file in body["conf"]["files"]
    )
    assert ran == Counter(names)
    assert harness.dead() == []


@pytest.mark.parametrize("way", ["live", "dispatch"])
def test_process_that_is_killed_while_it_makes_a_batch(harness: FaultHarness, way: str) -> None:
    """It begins with the file that completes the batch, or with the timer; one file is told of again."""
    crash = CrashHarness(harness)
    toml = route_of(harness, "count = 3, max_files = 2")
    crash.settings["AIRFLOW_ROUTES"] = toml
    container = harness.landing.container_name

    def prepare(name: str) -> list[str]:
        crash.park(f"{name}/0", toml=toml)
        crash.park(f"{name}/1", toml=toml)
        if way == "live":
            crash.upload(f"{name}/2")
            return ["live", container, f"{name}/2"]
        crash.park(f"{name}/2", toml=toml)
        return ["dispatch"]

    def recover(name: str) -> None:
        crash.call_again(f"{name}/2")
        crash.call_again(f"{name}/0")

    folders = crash_everywhere(crash.settings, prepare, recover)

    assert_in_one_run_each(harness, [f"{folder}/{number}" for folder in folders for number in range(3)])


@pytest.mark.parametrize("count", [1, 200, 1_000, scaled(3_000, 20_000)])
def test_batch_of_any_size(harness: FaultHarness, count: int) -> None:
    """Two instances drain at once, and the first files are told of twice."""
    names = _gather(harness, "night", count)
    toml = route_of(harness, "max_files = 20000")
    apps = [harness.app(AIRFLOW_ROUTES=toml, CONF_MAX_BYTES=LARGEST_CONF) for _ in range(2)]
    begin = time.monotonic()

    harness.drain(*apps, seconds=1_200)
    print(f"{count} files in {time.monotonic() - begin:.1f} s")  # noqa: T201  (for whoever measures)
    _gather(harness, "night", min(count, 10))
    harness.drain(*apps, seconds=600)

    assert_in_one_run_each(harness, names)


@pytest.mark.skipif(not IS_FULL, reason="a long form: FAULTS=full")
def test_hundred_thousand_files_in_batches_of_a_thousand(harness: FaultHarness) -> None:
    """In ten folders; how long the two drains take is printed."""
    names = [name for folder in range(10) for name in _gather(harness, f"night-{folder}", 10_000)]
    toml = route_of(harness, "count = 1000, max_files = 1000")
    apps: list[App] = [harness.app(AIRFLOW_ROUTES=toml, CONF_MAX_BYTES=LARGEST_CONF) for _ in range(2)]
    begin = time.monotonic()

    harness.drain(*apps, seconds=2_000)

    print(f"{len(names) / (time.monotonic() - begin):,.0f} files a second")  # noqa: T201  (for whoever measures)
    assert_in_one_run_each(harness, names)
    assert {len(body["conf"]["files"]) for body in harness.airflow.runs.values()} == {1_000}


def _gather(harness: FaultHarness, folder: str, count: int) -> list[str]:
    """Let so many files wait for their batch, as live calls write them; return their names."""
    outbox = Outbox(Table(harness.account(), OUTBOX), now=fast_now)
    table = routes(route_of(harness, "count = 1"))
    account = harness.landing.account_name
    names = [f"{folder}/{number:06}.csv" for number in range(count)]

    def park(number: int) -> None:
        event = blob_event(container=harness.landing.container_name, name=names[number], account=account)
        event = replace(event, event_time=event.event_time + timedelta(seconds=number))
        [run] = table.match(event).requests
        outbox.park(
            Pending(container=event.container, name=event.name, event=event, lane=run.lane, run_id=run.run_id)
        )

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(park, range(count)))
    return names
