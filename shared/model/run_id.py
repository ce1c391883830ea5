"""`run_id`: the id of the DAG run for one blob version and route, the same from every source."""

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import unquote_plus

from shared.model.blob_event import BlobEvent

MAX_LENGTH = 200
"""Airflow's databases refuse ids over 250 characters; some tools truncate earlier."""

PREFIX = "blob__"
"""Like Airflow's own `manual__…`, and not one of the prefixes that Airflow reserves."""

AGAIN = "~again~"
"""Between the run id of a version and what tells a run that a person asked for once more from it."""

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
    return run_id_prefix(event.name) + identity_digest(
        account=event.account, container=event.container, name=event.name, etag=event.etag, route=route
    )


def batch_run_id(versions: Sequence[str], *, route: str, group: str) -> str:
    """Return the id of the DAG run for many versions, each as `version_digest` gives it.

    The members alone decide, with the id of the route; the key is there for people.
    """
    readable = run_id_prefix(f"batch/{unquote_plus(group)}")
    return readable + digest([_FORMAT, "batch", route, *sorted(versions)])


def run_id_prefix(name: str) -> str:
    """Return what the ids of all runs of the blobs with this name begin with."""
    return f"{PREFIX}{_readable(name)}__"


def identity_digest(*, account: str, container: str, name: str, etag: str, route: str) -> str:
    """Return the end of a run id, which tells the version and the route."""
    return digest([_FORMAT, account, container, name, etag, route])


def digest_in(run_id: str) -> str | None:
    """Return the digest in a run id of ours, also of a run that a person asked for again; None in others."""
    found = re.fullmatch(rf"{PREFIX}.*__([0-9a-f]{{32}})({AGAIN}.+)?", run_id)
    return found[1] if found else None


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
