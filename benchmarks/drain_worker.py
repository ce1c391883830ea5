"""One drain of `benchmarks.drain`, in a process whose `shared` is that of the version to measure.

Fills the outbox, drains it, and prints as JSON how many rows a second went, from the start of the first
dispatcher until the last row is gone.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from shared.app import App

_THREADS = 8
# What fills the outbox may go beside the proxies that count the drain's own requests.
_STORAGE = os.environ.get("BENCHMARK_FILL") or os.environ.get("AzureWebJobsStorage", "")  # noqa: SIM112


_ACCOUNT = dict(part.split("=", 1) for part in _STORAGE.split(";") if part).get("AccountName", "")


def event(number: int) -> dict[str, Any]:
    """Return the fields of an event."""
    name = f"orders/2026/11/20/{number}.csv"
    return {
        "account": _ACCOUNT,
        "container": "landing",
        "name": name,
        "etag": f"0x8DD0A1B2C{number:06X}",
        "size": number,
        "event_time": datetime.now(UTC),
        "url": f"https://acct.blob.core.windows.net/landing/{name}",
    }


def in_threads(work: Callable[[int], None], numbers: Iterator[int] | range) -> None:
    """Call `work` with each number, from several threads."""
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(work, numbers))


def fill_table(rows: int) -> Callable[[], bool]:
    """Let events wait in the outbox; return what tells whether it is empty."""
    from azure.data.tables import TableServiceClient  # noqa: PLC0415  (the older version has none)

    from shared.model.blob_event import BlobEvent  # noqa: PLC0415
    from shared.model.lane import Lane  # noqa: PLC0415
    from shared.model.pending import Pending  # noqa: PLC0415
    from shared.storage.outbox import TABLE, row_key  # noqa: PLC0415
    from shared.storage.rows import columns_of  # noqa: PLC0415

    service = TableServiceClient.from_connection_string(_STORAGE)
    table = service.create_table(TABLE)
    lane = Lane(route_id="default", dag_id="copy_file")

    def write(start: int) -> None:
        operations = []
        for number in range(start, min(start + 100, rows)):
            blob = BlobEvent(**event(number))
            pending = Pending(
                container=blob.container,
                name=blob.name,
                event=blob,
                lane=lane,
                reason="airflow_unreachable",
                message="Airflow cannot be reached.",
                parked_at=datetime.now(UTC),
            )
            keys = {"PartitionKey": lane.key, "RowKey": row_key(pending, unique="")}
            operations.append(("create", {**keys, **columns_of(pending)}))
        table.submit_transaction(operations)

    in_threads(write, range(0, rows, 100))
    return lambda: not list(next(table.list_entities(results_per_page=1).by_page(), []))


def fill_queue(rows: int) -> Callable[[], bool]:
    """Let events wait in the queue of the older version; return what tells whether it is empty."""
    parking_module = import_module("shared.delivery.parking")
    make_connection = import_module("shared.storage_connection").StorageConnection
    make_event = import_module("shared.events").BlobEvent
    make_parked = import_module("shared.delivery.parked").Parked
    connection = make_connection(name="x", connection_string=_STORAGE)
    account = import_module("shared.storage").StorageAccount(connection, threads=_THREADS)
    parking = parking_module.Parking(account.queues, visibility_seconds=300)

    def write(number: int) -> None:
        blob = make_event(**event(number))
        parked = make_parked(container=blob.container, name=blob.name, event=blob, route="default")
        parking.park(parked, delay_seconds=0)

    in_threads(write, range(rows))
    queue = account.queues.get_queue_client(parking_module.QUEUE)
    return lambda: not queue.get_queue_properties().approximate_message_count


def main() -> None:
    """Fill, drain, print."""
    rows = int(sys.argv[1])
    logging.getLogger("blob_to_dag").addHandler(logging.NullHandler())
    # Not by import: an editable installation of today's version would answer for the older one.
    is_empty = fill_table(rows) if Path("shared/model").is_dir() else fill_queue(rows)
    app = App(os.environ)
    began = time.monotonic()
    while not is_empty():
        app.dispatch()
    seconds = time.monotonic() - began
    result = {"rows": rows, "seconds": round(seconds, 2), "rows_per_second": round(rows / seconds, 1)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
