"""What strangers can write, read by the code that meets it: each function raises where it must not."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from shared.model.blob_event import BlobEvent
from shared.model.conf import encode_conf
from shared.model.errors import AirflowUnclear, BadConf, BadEvent, CopyPending, Misconfigured
from shared.model.pending import Pending
from shared.routes.reader import read_routes
from shared.routes.table import RouteTable
from shared.sources.blob_poison import addressee, read_poison
from shared.sources.event_grid import pending_from_event_grid
from shared.sources.message_body import decode_body
from shared.storage.outbox import row_key
from shared.storage.rows import columns_of, long_text, read_row
from tests.storage.row_samples import LANE, entity
from tests.support.samples import MOMENT, ORDERS, blob_event

ROOT = Path(__file__).parents[2]
ROUTES = """
[[route]]
name = "typed"
match = "{container}/{table}/{day:date}/{part:int}_{name}.csv"
dag_id = "load_{table}"
dag_ids = ["load_orders", "load_sales"]
conf = { day = "{day}", part = "{part}", file = "{name}" }

[[route]]
name = "all"
match = "**"
dag_id = "copy_file"
"""
TABLE = read_routes(ROUTES, origin="the fuzzer")
_MOST_BYTES = 262_144


def events(data: bytes) -> None:
    """A message of Event Grid gives events that can be kept and sent, or is a BadEvent."""
    try:
        for pending in pending_from_event_grid(decode_body(data.decode(errors="replace"))):
            _kept(pending)
            if pending.event:
                _sent(pending.event, TABLE, api=pending.api)
    except BadEvent:
        pass


def poison(data: bytes) -> None:
    """A poison message of ours names a blob, or is a BadEvent; any other belongs to somebody else."""
    function, container = addressee(data)
    if function is None or container is None:
        return
    try:
        for pending in read_poison(data):
            _kept(pending)
    except BadEvent:
        pass


def rows(data: bytes) -> None:
    """A row of the outbox is read, or its fault is said; what was read can be written again.

    The bytes are the columns of a row, or else the text of its event.
    """
    try:
        changes: Any = json.loads(data)
    except (ValueError, RecursionError):
        changes = None
    if not isinstance(changes, dict):
        changes = long_text("event", data.decode(errors="replace"))
    row = read_row({**entity(), **changes, "PartitionKey": LANE.key, "RowKey": "r|1"})
    assert (row.pending is None) == bool(row.fault)
    if row.pending:
        _kept(row.pending.after(AirflowUnclear("x"), now=MOMENT))


def routes(data: bytes) -> None:
    """A file of routes gives a table that a blob can be asked about, or is Misconfigured."""
    try:
        table = read_routes(data.decode(errors="replace"), origin="routes.toml")
    except Misconfigured:
        return
    _sent(ORDERS, table)


def names(data: bytes) -> None:
    """Any name that a blob can have starts a run of a DAG that its route lists."""
    name = data.decode(errors="replace")[:1_024]
    if name:
        _sent(blob_event(name=name), TABLE)


def _kept(pending: Pending) -> None:
    """Write it as the outbox does."""
    row_key(Pending(container="c", name="n", event=pending.event, parked_at=MOMENT), unique="u").encode()
    for column in columns_of(pending).values():
        if isinstance(column, str):
            column.encode()


def _sent(event: BlobEvent, table: RouteTable, *, api: str | None = None) -> None:
    """Ask the routes, and make the conf as it is sent."""
    try:
        requests = table.match(event, api=api).requests
    except CopyPending:
        return
    for run in requests:
        assert run.dag_id
        assert 0 < len(run.run_id) <= 250
        assert run.run_id.isprintable()
        assert run.lane.key.encode()
        with suppress(BadConf):
            json.dumps(encode_conf(run.conf, max_bytes=_MOST_BYTES), allow_nan=False).encode()


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (events, poison, rows, routes, names)
}


def _json(value: object) -> bytes:
    return json.dumps(value, default=str).encode()


def words() -> set[str]:
    """Return what inputs are made of: changing single bytes would seldom make another key."""
    files = [json.loads(seed) for target in ("events", "poison") for seed in seeds(target)]
    keys = {key for file in files for part in (file, file.get("data", {})) for key in part}
    return {
        *keys,
        *entity(),
        "_1",
        "[[route]]",
        "null",
        "true",
        "1e300",
        "\\ud800",
        "{",
        "}",
        "[",
        "]",
        ":date",
        ":int",
    }


def seeds(target: str) -> list[bytes]:
    """Return what the search begins with."""
    recorded = [json.loads(file.read_bytes()) for file in sorted((ROOT / "tests/events").glob("*.json"))]
    match target:
        case "events":
            return [json.dumps(file["event"]).encode() for file in recorded]
        case "poison":
            message = {
                "FunctionId": "Host.Functions.blob_to_dag",
                "ContainerName": "c",
                "BlobName": "a/b.csv",
            }
            return [json.dumps(message).encode()]
        case "rows":
            columns = entity()
            return [columns["event"].encode(), *(_json({key: value}) for key, value in columns.items())]
        case "routes":
            files = [
                *(ROOT / "tests/routes/wrong").glob("*.toml"),
                *(ROOT / "examples/routes").glob("*.toml"),
            ]
            return [file.read_bytes() for file in sorted(files)]
        case _:
            return [b"orders/2026-11-20/1_a.csv", b"_SUCCESS", "ü/\U0001f600 a%20b".encode()]
