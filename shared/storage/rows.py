"""Rows of the outbox as entities of a table, and back.

A row of another version of the app, or one edited by hand, is read if it makes sense; BadEvent otherwise.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.model.batch import Batch
from shared.model.blob_event import BlobEvent
from shared.model.companion import Companion
from shared.model.errors import BadEvent
from shared.model.lane import Lane, LaneKind
from shared.model.pending import Failures, Pending, Target
from shared.storage.tables import Entity, Table

FORMAT = 1
SENT = "sent_"
_CHUNK = 16_000
"""Characters in one column: Azure Tables allows 32 Ki UTF-16 units, and a character may need two."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_TIME = datetime(1601, 1, 1, tzinfo=UTC)
"""The earliest time that a column may hold."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it was read: it is changed and deleted only while its ETag is the same.

    Attributes:
        partition: Partition key.
        key: Row key.
        etag: ETag of the row.
        pending: What it holds; None where that cannot be read.
        fault: Why it cannot be read; empty where it can.
        entity: All columns, as they are.
    """

    partition: str
    key: str
    etag: str
    pending: Pending | None
    fault: str
    entity: Entity

    @property
    def keys(self) -> dict[str, str]:
        """The columns that name it."""
        return {"PartitionKey": self.partition, "RowKey": self.key}


class _Columns(msgspec.Struct, kw_only=True):
    """What a row must hold, with the types that it must have; other columns are passed over."""

    container: str = ""
    name: str = ""
    route: str = ""
    dag_id: str = ""
    lane_group: str = ""
    lane_kind: LaneKind = LaneKind.RUNS
    api: str | None = None
    traceparent: str | None = None
    run_id: str | None = None
    reason: str = ""
    message: str = ""
    history: str = "{}"
    not_before: datetime | None = None
    parked_at: datetime | None = None


def columns_of(pending: Pending) -> dict[str, Any]:
    """Return the columns of an event; those without a value are left out."""
    columns: dict[str, Any] = {
        "format": FORMAT,
        "container": pending.container,
        "name": pending.name,
        "route": pending.lane.route_id,
        "dag_id": pending.lane.dag_id,
        "lane_group": pending.lane.group or None,
        "lane_kind": str(pending.lane.kind) or None,
        "api": pending.api,
        "traceparent": pending.traceparent,
        "run_id": pending.run_id,
        "parked_at": pending.parked_at,
        **columns_of_failure(pending),
        "not_before": pending.not_before,
    }
    if pending.companions:
        columns |= long_text("companions", _encode(pending.companions))
    if pending.batch:
        columns |= long_text("batch", _encode(pending.batch))
        # For people: the batch itself is what counts.
        columns |= {"file_count": len(pending.batch.files), "batch_part": pending.batch.part}
    if pending.event:
        columns |= long_text("event", _encode(pending.event))
        # For people who search: the event itself is what counts.
        columns |= {"etag": pending.event.etag}
        if pending.event.event_time >= _FIRST_TIME:
            columns |= {"event_time": pending.event.event_time}
    return {name: value for name, value in columns.items() if value is not None}


def columns_of_failure(pending: Pending) -> dict[str, Any]:
    """Return the columns that one more failed delivery changes."""
    return {
        "reason": pending.reason,
        "message": storable(pending.message),
        "history": _encode(pending.history),
        # A merge cannot take a column away: a time in the past means at once.
        "not_before": pending.not_before or _EPOCH,
        **{SENT + target.digest: _encode(target) for target in pending.sent_to},
    }


def _encode(value: object) -> str:
    # Read-only mappings stand for dictionaries.
    return msgspec.json.encode(value, enc_hook=dict).decode()


def storable(text: str) -> str:
    """Return a text of others as one column takes it: not too long, and no half of a surrogate pair."""
    return text[:_CHUNK].encode(errors="replace").decode()


def read_row(entity: Entity) -> Row:
    """Return the row; one that cannot be read says why."""
    etag = str(getattr(entity, "metadata", {}).get("etag", ""))
    pending, fault = None, ""
    try:
        pending = _pending(entity)
    except BadEvent as error:
        fault = str(error)
    return Row(
        partition=str(entity["PartitionKey"]),
        key=str(entity["RowKey"]),
        etag=etag,
        pending=pending,
        fault=fault,
        entity=entity,
    )


def _pending(entity: Entity) -> Pending:
    values = {key: _plain(value) for key, value in entity.items()}
    try:
        columns = msgspec.convert(values, _Columns)
        text = read_long_text("event", values)
        event = msgspec.json.decode(text, type=BlobEvent) if text else None
        pending = Pending(
            # The event itself is what counts.
            container=event.container if event else columns.container,
            name=event.name if event else columns.name,
            event=event,
            api=columns.api,
            traceparent=columns.traceparent,
            lane=Lane(
                route_id=columns.route,
                dag_id=columns.dag_id,
                group=columns.lane_group,
                kind=columns.lane_kind,
            ),
            run_id=columns.run_id,
            reason=columns.reason,
            message=columns.message,
            history=msgspec.json.decode(columns.history, type=dict[str, Failures]),
            sent_to=frozenset(_targets(values)),
            not_before=None if (due := _aware(columns.not_before)) == _EPOCH else due,
            parked_at=_aware(columns.parked_at),
            companions=msgspec.json.decode(
                read_long_text("companions", values) or "[]", type=tuple[Companion, ...]
            ),
            batch=msgspec.json.decode(batch, type=Batch)
            if (batch := read_long_text("batch", values))
            else None,
        )
        key = pending.lane.key
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        msg = f"The row cannot be read ({type(error).__name__}: {error!s:.200})."
        raise BadEvent(msg) from error
    if pending.event is None and pending.lane.route_id:
        msg = "The row names a route, but no event."
        raise BadEvent(msg)
    if key != entity["PartitionKey"]:
        # An edited column must not choose another DAG.
        msg = "The route and the DAG of the row are not those of its partition."
        raise BadEvent(msg)
    return pending


def _targets(values: Mapping[str, Any]) -> Iterator[Target]:
    for name, value in values.items():
        if name.startswith(SENT):
            yield msgspec.json.decode(value, type=Target)


def rows_between(table: Table, partition: str, *, after: str, end: str, most: int) -> list[Row]:
    """Read the first rows of a partition whose keys are between two others."""
    found = table.query(
        "PartitionKey eq @lane and RowKey gt @after and RowKey lt @end",
        {"lane": partition, "after": after, "end": end},
        most=most,
    )
    return [read_row(entity) for entity in found]


def long_text(name: str, text: str) -> dict[str, str]:
    """Spread a text over numbered columns: `name`, `name_1` and so on."""
    chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)] or [""]
    return {_numbered(name, index): chunk for index, chunk in enumerate(chunks)}


def end_of(name: str, columns: Mapping[str, Any]) -> str:
    """Return the column behind the last one of a text, which ends it where it is empty; "" without a text."""
    index = 0
    while _numbered(name, index) in columns:
        index += 1
    return _numbered(name, index) if index else ""


def read_long_text(name: str, values: Mapping[str, Any]) -> str:
    """Return a text that was spread over numbered columns; empty where there is none.

    Raises:
        TypeError: One of the columns is no text.
    """
    text = ""
    index = 0
    while chunk := values.get(_numbered(name, index)):
        text += chunk
        index += 1
    return text


def _numbered(name: str, index: int) -> str:
    return f"{name}_{index}" if index else name


def _plain(value: Any) -> Any:
    """Return a time of the SDK, which is a subclass, as a plain one."""
    return datetime.fromisoformat(value.isoformat()) if isinstance(value, datetime) else value


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
