"""Lists of 100,000 rows: the first lines with the first page, and no more memory than for a page."""

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from pathlib import Path

import psutil
import pytest
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

_REQUESTS = "azure.core.pipeline.policies.http_logging_policy"


@pytest.fixture
def filled(settings: Mapping[str, str]) -> Mapping[str, str]:
    """Write the rows of an outage, a hundred in each request; return the settings of their app."""
    first = pending("file.csv").after(DagMissing("Airflow has no DAG 'copy_file'."), now=EARLIER)
    row = {"PartitionKey": LANE.key, **columns_of(first)}
    key = row_key(first, unique="")

    def write(numbers: tuple[int, ...]) -> None:
        table.submit_transaction(
            [("create", {**row, "RowKey": f"{key}{at:06}", "name": f"file-{at:06}.csv"}) for at in numbers]
        )

    with TableServiceClient.from_connection_string(settings["AzureWebJobsStorage"]) as service:
        table = service.create_table(OUTBOX)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, batched(range(ROWS), 100, strict=False)))
    return settings


def test_long_list_takes_no_memory(filled: Mapping[str, str]) -> None:
    """Each row is shown as its page comes, and forgotten."""
    with subprocess.Popen(
        [sys.executable, "-m", "operate", "waiting", "--json"],
        cwd=ROOT,
        env={**filled, "PATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
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


def test_first_rows_take_one_request(
    filled: Mapping[str, str], desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever looks at a long list has its beginning at once."""
    caplog.set_level(logging.INFO, _REQUESTS)
    rows = items(desk.outbox_table, Selection())

    for _ in range(200):
        next(rows)

    assert sum("Request method" in record.getMessage() for record in caplog.records) == 1
