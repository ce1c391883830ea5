"""Routes with `ordered` and `requires` into real Airflows, calls failing: in order, one run each."""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from shared.app import App
from shared.event_log import EventLog
from tests.airflow.harness import AirflowHarness
from tests.support.faulty_proxy import FaultyProxy, faulty_proxy
from tests.support.rows import DEAD_LETTERS, OUTBOX, count_rows, read_rows
from tests.support.samples import MOMENT
from tests.support.scale import scaled
from tests.support.times import FAST

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.stack,
    pytest.mark.timeout(900),
    pytest.mark.generations("3-postgres", "2-postgres"),
]

DAG_ID = "contract_paused"
"""Its runs are created, and cost nothing: nobody carries them out."""

FILES = scaled(30, 300)
READ_SECONDS = 3
PATIENCE_SECONDS = scaled(180, 900)

ORDERED = f'[[route]]\nname = "ledger"\nmatch = "landing/**"\ndag_id = "{DAG_ID}"\nordered = true\n'
REQUIRES = f"""[[route]]
name = "payments"
match = "landing/{{file}}.csv"
dag_id = "{DAG_ID}"
requires = "landing/{{file}}.csv.done"
requires_within = "10s"
"""


@dataclass(kw_only=True)
class Feed:
    """An app with storage of its own, in front of a real Airflow some of whose calls fail.

    Attributes:
        harness: The Airflow.
        landing: Where files land.
        storage: Connection string of the account.
        proxy: Between the app and Airflow.
        random: Of the test.
        app: The instance that runs now.
    """

    harness: AirflowHarness
    landing: ContainerClient
    storage: str
    proxy: FaultyProxy
    random: random.Random
    app: App = field(init=False)

    def start(self, toml: str, **settings: str) -> None:
        """Start an instance with these routes."""
        environ = {
            "AIRFLOW_BASE_URL": self.proxy.base_url,
            "AIRFLOW_READ_TIMEOUT_SECONDS": str(READ_SECONDS),
            "AIRFLOW_DAG_ID": "",
            "AIRFLOW_ROUTES": toml,
            "AzureWebJobsStorage": self.storage,
            "LandingStorage": self.storage,
        }
        self.app = App(self.harness.environment(**environ | settings), EventLog(), FAST)

    def land(self, name: str) -> None:
        """Let a file land; its event comes later."""
        self.landing.upload_blob(name, b"x", overwrite=True)

    def tell(self, name: str) -> None:
        """Let the event of a file come."""
        self.app.on_blob("landing", name)

    def drain(self, is_done: Callable[[], bool]) -> None:
        """Let the timer fire again and again, until it is done."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_done():
            assert time.monotonic() < end, (self.waiting, dict(self.proxy.seen))
            self.app.dispatch()
            time.sleep(0.2)

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return count_rows(self.storage, OUTBOX)

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The runs of this test's files, in the order in which Airflow created them."""
        url = f"{self.landing.url}/"
        path = f"dags/{DAG_ID}/dagRuns"
        found: list[dict[str, Any]] = []
        while page := self.harness.get(path, limit=100, offset=len(found), order_by="id")["dag_runs"]:
            found += page
        return [run for run in found if str(run["conf"].get("url", "")).startswith(url)]

    @property
    def started(self) -> list[str]:
        """Their files."""
        return [run["conf"]["filename"] for run in self.runs]


@pytest.fixture
def feed(harness: AirflowHarness, storage_account: str) -> Iterator[Feed]:
    """Yield a feed whose calls go well."""
    seed = time.time_ns() % 10**6
    print(f"seed {seed}")  # noqa: T201  (shown by pytest when the test fails)
    late = READ_SECONDS + 0.5
    with (
        BlobServiceClient.from_connection_string(storage_account) as service,
        faulty_proxy(harness.airflow.base_url, late_seconds=late, seed=seed) as proxy,
    ):
        yield Feed(
            harness=harness,
            landing=service.create_container("landing"),
            storage=storage_account,
            proxy=proxy,
            random=random.Random(seed),  # noqa: S311  (a test, no secret)
        )


@contextmanager
def faults(feed: Feed) -> Iterator[None]:
    """Let three calls of ten fail, in eight ways."""
    feed.proxy.fails = 0.3
    yield
    print(dict(feed.proxy.seen))  # noqa: T201
    assert sum(feed.proxy.seen.values()) > feed.proxy.seen[""]
    feed.proxy.fails = 0.0


def _message(feed: Feed, name: str, moment: datetime, sequencer: int) -> bytes:
    event = {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/landing/blobs/{name}",
        "eventTime": moment.isoformat(),
        "data": {
            "api": "PutBlob",
            "eTag": f"0x{sequencer:X}",
            "contentLength": 1,
            "blobType": "BlockBlob",
            "url": f"{feed.landing.url}/{name}",
            "sequencer": f"{sequencer:032X}",
        },
    }
    return json.dumps(event).encode()


@pytest.mark.fault("ordered route, three calls of ten fail in eight ways", airflow="2, 3")
def test_runs_are_created_in_the_order_of_the_files(feed: Feed) -> None:
    """Events in any order, two files at each moment; by Airflow's own numbers and times of its runs."""
    names = [f"{number:03}.csv" for number in range(FILES)]
    messages = [
        _message(feed, name, MOMENT + timedelta(milliseconds=number // 2), number)
        for number, name in enumerate(names)
    ]
    feed.random.shuffle(messages)
    feed.start(ORDERED + "enabled = false\n", EVENT_SOURCE="queue")
    for message in messages:
        feed.app.on_event(message)
    assert (feed.waiting, feed.started) == (FILES, [])

    feed.start(ORDERED, EVENT_SOURCE="queue")
    with faults(feed):
        feed.drain(lambda: feed.waiting == 0)

    runs = feed.runs
    assert [run["conf"]["filename"] for run in runs] == names
    times = [str(run.get("run_after") or run["logical_date"]) for run in runs]
    assert times == sorted(times)
    assert count_rows(feed.storage, DEAD_LETTERS) == 0


@pytest.mark.fault("files with companions, three calls of ten fail in eight ways", airflow="2, 3")
def test_file_and_companion_start_one_run_whichever_is_told_of_first(feed: Feed) -> None:
    """Each event twice; the facts of the companion are in the conf that Airflow has."""
    feed.start(REQUIRES.replace("10s", "6h"))
    names = [f"{number}.csv" for number in range(scaled(6, 60))]
    with faults(feed):
        for number, name in enumerate(names):
            feed.land(name)
            feed.land(f"{name}.done")
            for each in (name, f"{name}.done")[:: 1 if number % 2 else -1] * 2:
                feed.tell(each)
        feed.drain(lambda: feed.waiting == 0)

    assert sorted(feed.started) == sorted(names)
    for run in feed.runs:
        [companion] = run["conf"]["companions"]
        blob = feed.landing.get_blob_client(f"{run['conf']['filename']}.done").get_blob_properties()
        assert companion["filename"] == blob.name
        assert companion["etag"] == blob.etag.strip('"')


def test_companion_counts_if_it_is_not_older_and_also_when_it_is_late(feed: Feed) -> None:
    """Yesterday's starts nothing; a file whose time is over is a dead letter, and runs when one comes."""
    feed.start(REQUIRES)
    feed.land("a.csv.done")
    feed.tell("a.csv.done")
    time.sleep(1.1)  # Last-Modified has seconds
    feed.land("a.csv")
    feed.tell("a.csv")
    feed.drain(lambda: count_rows(feed.storage, DEAD_LETTERS) == 1)
    assert [letter["reason"] for letter in read_rows(feed.storage, DEAD_LETTERS)] == ["companion_missing"]
    assert feed.started == []

    feed.proxy.fails = 0.5
    feed.land("a.csv.done")
    feed.tell("a.csv.done")
    feed.tell("a.csv.done")
    feed.drain(lambda: feed.waiting == 0)

    assert feed.started == ["a.csv"]
    assert count_rows(feed.storage, DEAD_LETTERS) == 0
