"""`Lane`: one queue of the outbox, such as the runs of one route for one DAG; and the keys of its rows.

Keys are an interface: rows that wait while the app is updated must be found again, so
`tests/model/golden_keys.json` never changes within a major version.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from shared.model.blob_event import BlobEvent
from shared.model.run_id import digest

STATE = "!"
"""Row key of a lane's state, which sorts before its rows; also the partition of the hold on everything."""

SEAL = "!seal"
"""Row key of a batch that is being made, beside the state of its lane."""

_ROW = "r|"
ROWS_BEGIN = "r"
"""Sorts behind the states, and before every row of a lane."""

ROWS_END = "r}"
"""Sorts behind every row of a lane (`}` follows `|`), but the files that wait for their batch."""

GATHERED = "w|"
"""Beginning of the keys of files that wait for their batch."""

SEALED = "s|"
"""Beginning of the keys of files that are being put into one."""

FILES_END = "w}"
"""Sorts behind all of these."""

_FORMAT = "1"
_KIND = "~"
_READABLE_MAX_LENGTH = 80
_SEQUENCER_LENGTH = 64


class LaneKind(StrEnum):
    """How the rows of a lane are sent; its partition key says so at its end."""

    RUNS = ""
    """Each by itself."""

    ORDERED = "ordered"
    """One after another."""

    COMPANIONS = "requires"
    """Not yet: each waits for other blobs. Such a lane has no DAG, for nothing of it was ever sent."""

    BATCH = "batch"
    """Files are gathered here, and each batch of them is a row that is sent by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The unit of isolation, fairness and order: what fails for one lane holds up no other.

    Attributes:
        route_id: Of the route; empty for events that no route has been asked about yet.
        dag_id: The DAG that the lane's runs belong to; empty where the route is.
        group: What its rows have in common beside the route, such as one customer; empty for all of a route.
        kind: How its rows are sent.
    """

    route_id: str
    dag_id: str
    group: str = ""
    kind: LaneKind = LaneKind.RUNS

    @property
    def key(self) -> str:
        """The partition key: a readable part of at most 80 characters and 128 bits of SHA-256."""
        if self.route_id == STATE:
            return STATE
        names = [self.route_id or "new", self.dag_id, *([self.group] if self.group else [])]
        readable = re.sub(r"[^A-Za-z0-9_.-]+", "_", ".".join(names))
        known_by = digest([_FORMAT, self.route_id, self.dag_id, *([self.group] if self.group else [])])
        kind = f"{_KIND}{self.kind}" if self.kind else ""
        return f"{readable[:_READABLE_MAX_LENGTH]}~{known_by}{kind}"

    def __str__(self) -> str:
        """`route -> DAG (group)`, for people."""
        if self.route_id == STATE:
            return "everything"
        if not self.route_id:
            return "events without a route yet"
        return f"{self.route_id} -> {self.dag_id}" + (f" ({self.group})" if self.group else "")


EVERYTHING = Lane(route_id=STATE, dag_id="")
"""Stands for all lanes: its state is the hold on everything."""

NEW = Lane(route_id="", dag_id="")
"""Events that no route has been asked about: known by name only, or from while the app was misconfigured."""


def kind_of(partition: str) -> LaneKind:
    """Return the kind of the lane with this key; a kind of another version of the app counts as none."""
    kind = partition.rpartition(_KIND)[2]
    return LaneKind(kind) if kind in list(LaneKind) else LaneKind.RUNS


def version_key(event: BlobEvent, *, route_id: str) -> str:
    """Return the row key of one version on one route: by event time, sequencer and digest.

    The same version has the same key whichever source reports it; rows sort by the time of their events.
    """
    sequencer = event.sequencer or ""
    if not re.fullmatch(rf"[0-9A-Fa-f]{{1,{_SEQUENCER_LENGTH}}}", sequencer):
        sequencer = ""
    known_by = version_digest(event, route_id=route_id)
    return f"{_ROW}{_moment(event.event_time)}|{sequencer.upper().zfill(_SEQUENCER_LENGTH)}|{known_by}"


def version_digest(event: BlobEvent, *, route_id: str) -> str:
    """Return what one version on one route is known by: 128 bits of SHA-256."""
    return digest([_FORMAT, event.account, event.container, event.name, event.etag, route_id])


def gathered_key(event: BlobEvent, *, route_id: str) -> str:
    """Return the row key of a version that waits for its batch."""
    return GATHERED + version_key(event, route_id=route_id).removeprefix(_ROW)


def sealed_prefix(seal: str) -> str:
    """Return what the keys of all files of one seal begin with."""
    return f"{SEALED}{seal}|"


def sealed_key(gathered: str, *, seal: str) -> str:
    """Return the key of a file that goes into the batch of this seal."""
    return sealed_prefix(seal) + gathered.removeprefix(GATHERED)


def batch_key(first: datetime, *, run_id: str) -> str:
    """Return the row key of a batch: no single version has the same."""
    return f"{_ROW}{_moment(first)}|{'0' * _SEQUENCER_LENGTH}|{digest([_FORMAT, run_id])}"


def is_row(key: str) -> bool:
    """Tell whether a row key is of something that waits, not of a lane's state."""
    return key not in {STATE, SEAL}


def waiting_key(event: BlobEvent, *, route_id: str) -> str:
    """Return the row key of a version that waits for its companions: by the blob's name, then the version."""
    return f"{waiting_prefix(event.path)}{version_digest(event, route_id=route_id)}"


def waiting_prefix(path: str) -> str:
    """Return what the keys of all versions of `container/name` begin with that wait for companions."""
    return f"{_ROW}{digest([_FORMAT, path])}|"


def arrival_key(due: datetime, *, unique: str) -> str:
    """Return the row key of an event that is known by name only: by the time when it is due.

    Each arrival has a key of its own, so a second one is not lost when the first is delivered.
    """
    return f"{_ROW}{_moment(due)}|{'0' * _SEQUENCER_LENGTH}|{unique}"


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
