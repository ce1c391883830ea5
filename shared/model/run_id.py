"""`run_id`: the id of the DAG run for one blob version and route, the same from every source."""

import hashlib
import re
from collections.abc import Sequence

from shared.model.blob_event import BlobEvent

MAX_LENGTH = 200
"""Airflow's databases refuse ids over 250 characters; some tools truncate earlier."""

_PREFIX = "blob__"
"""Like Airflow's own `manual__…`, and not one of the prefixes that Airflow reserves."""

_READABLE_MAX_LENGTH = 120
_FORMAT = "1"
"""Must change if the same version would get another id, which no minor release may do."""


def run_id(event: BlobEvent, *, route: str) -> str:
    """Return the id of the DAG run for this version of the blob; `route` is the id of the route.

    The shape is `blob__<readable>__<digest>`: the readable part is the end of the blob's name with `/` as
    `~`, for people only; the digest (128 bits of SHA-256, hex) is over the canonical identity and the id
    of the route. Airflow's address is not part of it: a run keeps its id if Airflow moves.

    Airflow 3 accepts `^[A-Za-z0-9_.~:+-]+$` without `..`
    (`allowed_run_id_pattern` of its `[scheduler]` section, and `airflow/models/dagrun.py`).
    """
    identity = [_FORMAT, event.account, event.container, event.name, event.etag, route]
    return f"{_PREFIX}{_readable(event.name)}__{digest(identity)}"


def digest(fields: Sequence[str]) -> str:
    """Return 128 bits of SHA-256 over the fields, as 32 hex digits."""
    hasher = hashlib.sha256()
    for field in fields:
        data = field.encode()
        # With the length first, ("ab", "c") and ("a", "bc") differ.
        hasher.update(len(data).to_bytes(4, "big") + data)
    return hasher.hexdigest()[:32]


def _readable(name: str) -> str:
    text = re.sub(r"[^A-Za-z0-9.~+-]+", "_", name.replace("/", "~"))
    text = re.sub(r"\.{2,}", ".", text)
    return text[-_READABLE_MAX_LENGTH:].strip("._") or "blob"
