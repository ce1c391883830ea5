"""`conf`: the facts about a blob for its DAG run. Keys are only ever added."""

import json
from collections.abc import Mapping
from datetime import date, datetime

from shared.model.blob_event import BlobEvent
from shared.model.errors import BadConf

FACTS = frozenset(
    {"filename", "container", "size", "url", "etag", "event_time", "route", "content_type", "last_modified"}
    | {"blob_type", "access_tier", "metadata", "version_id", "sequencer", "traceparent"}
)
"""The keys of the facts about a blob: no route can add one of these."""

_BATCH = frozenset({"file_count", "first_event_time", "last_event_time", "batch_key", "batch_part", "files"})
RESERVED = FACTS | _BATCH | {"companions"}
"""The keys that no route can add: the facts, and what the app adds for routes that ask for it."""

CONF_LIMIT_BYTES = 262_144
"""The most that `CONF_MAX_BYTES` may allow."""


def build_conf(
    event: BlobEvent, *, route: str, extra: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Return the flat conf for an event: `docs/conf.schema.json` describes each key.

    Facts that the event lacks are left out rather than sent as null, so that a DAG's `params` can declare
    plain types. `extra` is what the route adds; it cannot replace a fact.
    """
    facts: dict[str, object | None] = {
        "filename": event.name,
        "container": event.container,
        "size": event.size,
        "url": event.url,
        "etag": event.etag,
        "event_time": event.event_time,
        "route": route,
        "content_type": event.content_type,
        "last_modified": event.last_modified,
        "blob_type": event.blob_type,
        "access_tier": event.access_tier,
        "metadata": dict(event.metadata) or None,
        "version_id": event.version_id,
        "sequencer": event.sequencer,
        "traceparent": event.traceparent,
    }
    present = {key: value for key, value in facts.items() if value is not None}
    return {**(extra or {}), **present}


def encode_conf(conf: Mapping[str, object], *, max_bytes: int) -> dict[str, object]:
    """Return the conf as strict JSON values: dates as ISO 8601, no NaN, no half surrogate pairs.

    Raises:
        BadConf: A value is not JSON, or the conf is larger than `max_bytes` of UTF-8.
    """
    try:
        text = json.dumps(conf, allow_nan=False, ensure_ascii=False, default=_iso_date)
        size = len(text.encode())
    except (TypeError, ValueError) as error:
        msg = f"The conf cannot be written as JSON: {error}. Fix the route that adds it."
        raise BadConf(msg) from error
    if size > max_bytes:
        largest = max(conf, key=lambda key: len(json.dumps(conf[key], default=_iso_date)))
        msg = (
            f"The conf has {size} bytes, the limit is {max_bytes} (CONF_MAX_BYTES); "
            f"its largest key is {largest!a}. Make it smaller, or raise the limit."
        )
        raise BadConf(msg)
    strict: dict[str, object] = json.loads(text)
    return strict


def encoded_size(value: object) -> int:
    """Return how many bytes a value takes in a conf; 0 for one that no conf can have."""
    try:
        return len(json.dumps(value, allow_nan=False, ensure_ascii=False, default=_iso_date).encode())
    except (TypeError, ValueError):
        return 0


def _iso_date(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    msg = f"{type(value).__name__} is not a JSON type"
    raise TypeError(msg)
