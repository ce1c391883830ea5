"""`Item`: a row of the outbox or a dead letter, as a list shows it."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operate.selection import Selection, path_of
from shared.model.lane import is_row
from shared.storage.rows import SENT, read_long_text
from shared.storage.tables import Entity, Table

COLUMNS = [
    *("PartitionKey", "RowKey", "container", "name", "etag", "event_time", "route", "dag_id", "run_id"),
    *("reason", "message", "not_before", "parked_at", "died_at", "source", "where", "owner", "file_count"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What people look for in a row; the names are those of its columns.

    Attributes:
        path: `container/name`; empty for a letter that could not be read at all.
        partition: Of the row; with `key` what names it.
        since: When it was parked, or died.
        due: When it is tried next, if it waits by itself.
        where: Of a letter that could not be read: where its bytes still lie, if they are too many for a row.
        owner: Who looks after the route, where it says so.
        files: How many files its run is for, where it is of a batch; `path` is the first of them then.
    """

    path: str
    etag: str
    event_time: datetime | None
    route: str
    dag_id: str
    run_id: str
    reason: str
    message: str
    since: datetime | None
    due: datetime | None
    source: str
    where: str
    partition: str
    key: str
    owner: str
    files: int = 1

    @property
    def lane(self) -> str:
        """The lane, for people."""
        if not self.route:
            return self.source or "no route yet"
        return f"{self.route} -> {self.dag_id}{f' ({self.owner})' if self.owner else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """All that a row holds.

    Attributes:
        item: As in a list.
        history: By reason: how often, first and last time.
        sent_to: The DAGs that a request may have been sent to.
        conf: The conf that Airflow refused, where it did.
        body: Of what could not be read: its first bytes.
    """

    item: Item
    history: Mapping[str, Any]
    sent_to: tuple[Mapping[str, Any], ...]
    conf: Any
    body: str


_SHOWN_BYTES = 2_000

type Owners = Mapping[str, str]
NO_OWNERS: Owners = {}


def items(table: Table, selection: Selection, owners: Owners = NO_OWNERS) -> Iterator[Item]:
    """Read the selected rows of a table of any length, a page at a time."""
    return (item_of(entity, owners) for entity in selection.entities(table, columns=COLUMNS))


def details(
    table: Table, wanted: str, owners: Owners = NO_OWNERS, *, run_ids: Collection[str] = ()
) -> Iterator[Detail]:
    """Read all rows of one blob, or with one key, or of the runs; a request for each thousand rows."""
    for found in table.scan(columns=["PartitionKey", "RowKey", "container", "name", "run_id"]):
        # A key has no slash, and a blob has one: neither is taken for the other.
        is_wanted = wanted in {path_of(found), found["RowKey"]} or found.get("run_id") in run_ids
        if not is_wanted or not is_row(found["RowKey"]):
            continue
        if entity := table.get(found["PartitionKey"], found["RowKey"]):
            yield detail_of(entity, owners)


def path_of_item(item: Item) -> str:
    """Return the file of a row for people, the first one of a batch, or the key of what names none."""
    more = f" and {item.files - 1:,} more" if item.files > 1 else ""
    return f"{item.path or item.key}{more}"


def item_of(entity: Entity, owners: Owners = NO_OWNERS) -> Item:
    """Return what a list shows of a row.

    Args:
        entity: The row.
        owners: Of the routes, as they are today; a letter has that of its own day.
    """

    def text(column: str) -> str:
        return str(entity.get(column) or "")

    return Item(
        path=path_of(entity),
        etag=text("etag"),
        event_time=_moment(entity, "event_time"),
        route=text("route"),
        dag_id=text("dag_id"),
        run_id=text("run_id"),
        reason=text("reason"),
        message=text("message"),
        since=_moment(entity, "died_at") or _moment(entity, "parked_at"),
        due=_moment(entity, "not_before"),
        source=text("source"),
        where=text("where"),
        partition=text("PartitionKey"),
        key=text("RowKey"),
        owner=owners.get(text("route")) or text("owner"),
        files=int(text("file_count") or 1),
    )


def detail_of(entity: Entity, owners: Owners = NO_OWNERS) -> Detail:
    """Return all that a row holds; what cannot be read is shown as it is."""
    body = entity.get("body")
    return Detail(
        item=item_of(entity, owners),
        history=_read(entity.get("history")) or {},
        sent_to=tuple(_read(value) for name, value in entity.items() if name.startswith(SENT)),
        conf=_read(read_long_text("conf", entity)),
        body=body[:_SHOWN_BYTES].decode(errors="replace") if isinstance(body, bytes) else "",
    )


def _read(text: object) -> Any:
    try:
        return json.loads(str(text)) if text else None
    except ValueError:
        return text


def _moment(entity: Entity, column: str) -> datetime | None:
    value = entity.get(column)
    if not isinstance(value, datetime) or value.year <= _LONG_AGO:
        return None
    return datetime.fromisoformat(value.isoformat())  # the SDK's own is a subclass


_LONG_AGO = 1970
"""The outbox writes a time in the past for "at once", for a merge cannot take a column away."""
