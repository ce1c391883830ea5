"""`carry_out`: do one thing to many rows, several at a time, and stop between two of them."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import islice

from shared.model.blob_event import BlobEvent
from shared.model.pending import Pending
from shared.model.run_request import RunRequest
from shared.routes.table import RouteTable
from shared.storage.outbox import row_key
from shared.storage.rows import Row
from shared.storage.tables import Table, Written

CHANGED = "It died again meanwhile, or somebody changed it: look again."

_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of one row.

    Attributes:
        path: `container/name`, or the key of what has none.
        is_done: Whether it was done; if not, the row is as it was.
        note: What was done, or why not.
    """

    path: str
    is_done: bool
    note: str


type Act = Callable[[Row], Done]


def carry_out(rows: Iterable[Row], act: Act) -> Iterator[Done]:
    """Act on each row and yield what came of it, in no order, with no more than a few rows in memory.

    What is under way when the caller stops, or Ctrl-C is pressed, is ended first: no row is left between two
    of its steps.
    """
    left = iter(rows)
    running: set[Future[Done]] = set()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while True:
            running |= {pool.submit(act, row) for row in islice(left, _AT_ONCE - len(running))}
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def name_of(row: Row) -> str:
    """Return the blob of a row, or the key of one that names none."""
    return row.pending.path if row.pending else row.key


def run_today(routes: RouteTable, pending: Pending) -> RunRequest | None:
    """Return the run that an event's own route asks for today; None where it asks for none.

    Raises:
        CopyPending: The blob was still being copied.
    """
    if pending.event is None:
        return None
    requests = routes.match(pending.event, api=pending.api).requests
    return next((run for run in requests if run.route_id == pending.lane.route_id), None)


def versions_of(pending: Pending) -> Iterator[BlobEvent]:
    """Yield the versions that an event is about: those of its batch, or its own."""
    if pending.event is None:
        return
    if pending.batch is None:
        yield pending.event
        return
    for file in pending.batch.files:
        yield replace(pending.event, name=file.filename, etag=file.etag, event_time=file.event_time)


def take_out(table: Table, pending: Pending) -> bool:
    """Delete the row of a version from the outbox, whoever has changed it; tell whether there was one."""
    while found := table.get(pending.lane.key, row_key(pending, unique="")):
        etag = str(getattr(found, "metadata", {}).get("etag", ""))
        if table.delete(found, etag=etag) is not Written.CHANGED:
            return True
    return False
