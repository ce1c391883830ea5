"""Lists of 100,000 rows: the first lines with the first page, and no more memory than for a page."""

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import batched
from pathlib import Path

import psutil
import pytest
from azure.core.exceptions import ServiceResponseError
from azure.data.tables import TableServiceClient

from operate.desk import Desk
from operate.items import items
from operate.selection import Selection
from shared.model.errors import DagMissing
from shared.storage.outbox import row_key
from shared.storage.rows import columns_of
from tests.operate.samples import EARLIER, LANE, pending
from tests.support.rows import OUTBOX
from tests.support.scale import scaled

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1_800)]

ROOT = Path(__file__).parents[2]
ROWS = scaled(5_000, 100_000)
_GROWTH_BYTES = scaled(8, 32) * 1024 * 1024
"""A hundred thousand rows are 70 MB as JSON, and several times as much in Python."""

_NEEDED = "import azure.data.tables, typer, time; print(1, flush=True); time.sleep(60)"
_MOST_TIMES_NEEDED = 3.6
"""For the start, the other imports, and a page of a thousand rows: 2.6 to 3.0 are taken, once 4.1 to 4.8."""

_TRIES = 5
_REQUESTS = "azure.core.pipeline.policies.http_logging_policy"


@pytest.fixture
def filled(settings: Mapping[str, str]) -> Mapping[str, str]:
    """Write the rows of an outage, a hundred in each request; return the settings of their app."""
    first = pending("file.csv").after(DagMissing("Airflow has no DAG 'copy_file'."), now=EARLIER)
    row = {"PartitionKey": LANE.key, **columns_of(first)}
    key = row_key(first, unique="")

    def write(numbers: tuple[int, ...]) -> None:
        rows = [{**row, "RowKey": f"{key}{at:06}", "name": f"file-{at:06}.csv"} for at in numbers]
        for _ in range(_TRIES):
            # Azurite hangs up while it writes all of its rows to the disk.
            with suppress(ServiceResponseError):
                table.submit_transaction([("upsert", each) for each in rows])
                return
        pytest.fail("Azurite took no rows")

    with TableServiceClient.from_connection_string(settings["AzureWebJobsStorage"]) as service:
        table = service.create_table(OUTBOX)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, batched(range(ROWS), 100, strict=False)))
    return settings


def test_long_list_begins_at_once_and_takes_no_memory(
    filled: Mapping[str, str], desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Each row is shown as its page comes, and forgotten; one page is read for the first."""
    with _started(filled, "-m", "operate", "waiting", "--json") as program:
        assert program.stdout is not None
        process = psutil.Process(program.pid)
        paths = [json.loads(program.stdout.readline())["path"]]
        at_first = largest = process.memory_info().rss
        for line in program.stdout:
            paths.append(json.loads(line)["path"])
            # A pipe holds the last few hundred lines when the program has ended.
            if len(paths) % 500 == 0 and len(paths) <= ROWS - 1_000:
                largest = max(largest, process.memory_info().rss)

    assert program.returncode == 0
    assert paths == [f"landing/file-{number:06}.csv" for number in range(ROWS)]
    assert largest - at_first < _GROWTH_BYTES

    caplog.set_level(logging.INFO, _REQUESTS)
    for _ in zip(range(200), items(desk.outbox_table, Selection()), strict=False):
        pass
    assert sum("Request method" in record.getMessage() for record in caplog.records) == 1

    needed = min(_cpu_until_line(filled, "-c", _NEEDED) for _ in range(3))
    for arguments in (("waiting",), ("waiting", "--json")):
        first = min(_cpu_until_line(filled, "-m", "operate", *arguments) for _ in range(3))
        assert first < _MOST_TIMES_NEEDED * needed, (first, needed)


def _cpu_until_line(settings: Mapping[str, str], *arguments: str) -> float:
    """Return how many seconds of CPU a program takes from its start to its first line."""
    with _started(settings, *arguments) as program:
        assert program.stdout is not None
        assert program.stdout.readline()
        times = psutil.Process(program.pid).cpu_times()
        program.kill()
    return times.user + times.system


def _started(settings: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**settings, "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
