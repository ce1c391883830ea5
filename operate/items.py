"""`Item`: a row of the outbox or a dead letter, as a list shows it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operate.selection import Selection, path_of
from shared.storage.rows import SENT, read_long_text
from shared.storage.tables import Entity, Table

COLUMNS = [
    *("PartitionKey", "RowKey", "container", "name", "etag", "event_time", "route", "dag_id", "run_id"),
    *("reason", "message", "not_before", "parked_at", "died_at", "source", "where"),
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


def items(table: Table, selection: Selection) -> Iterator[Item]:
    """Read the selected rows of a table of any length, a page at a time."""
    return map(item_of, selection.entities(table, columns=COLUMNS))


def details(table: Table, path: str) -> Iterator[Detail]:
    """Read all rows of one blob; a request for each thousand rows of the table."""
    keys = ["PartitionKey", "RowKey", "container", "name"]
    for found in Selection(prefix=path).entities(table, columns=keys):
        if path_of(found) == path and (entity := table.get(found["PartitionKey"], found["RowKey"])):
            yield detail_of(entity)


def item_of(entity: Entity) -> Item:
    """Return what a list shows of a row."""

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
    )


def detail_of(entity: Entity) -> Detail:
    """Return all that a row holds; what cannot be read is shown as it is."""
    body = entity.get("body")
    return Detail(
        item=item_of(entity),
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
