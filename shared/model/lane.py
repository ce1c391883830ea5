"""`Lane`: one queue of the outbox, the runs of one route for one DAG; and the keys of its rows.

Keys are an interface: rows that wait while the app is updated must be found again, so
`tests/model/golden_keys.json` never changes within a major version.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.model.blob_event import BlobEvent
from shared.model.run_id import digest

STATE = "!"
"""Row key of a lane's state, which sorts before its rows; also the partition of the hold on everything."""

_ROW = "r|"
ROWS_END = "r}"
"""Sorts behind every row of a lane (`}` follows `|`)."""

_FORMAT = "1"
_READABLE_MAX_LENGTH = 80
_SEQUENCER_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The unit of isolation, fairness and order: what fails for one lane holds up no other.

    Attributes:
        route_id: Of the route; empty for events that no route has been asked about yet.
        dag_id: The DAG that the lane's runs belong to; empty where the route is.
    """

    route_id: str
    dag_id: str

    @property
    def key(self) -> str:
        """The partition key: a readable part of at most 80 characters and 128 bits of SHA-256."""
        if self.route_id == STATE:
            return STATE
        readable = re.sub(r"[^A-Za-z0-9_.-]+", "_", f"{self.route_id or 'new'}.{self.dag_id}")
        return f"{readable[:_READABLE_MAX_LENGTH]}~{digest([_FORMAT, self.route_id, self.dag_id])}"

    def __str__(self) -> str:
        """`route -> DAG`, for people."""
        if self.route_id == STATE:
            return "everything"
        return f"{self.route_id} -> {self.dag_id}" if self.route_id else "events without a route yet"


EVERYTHING = Lane(route_id=STATE, dag_id="")
"""Stands for all lanes: its state is the hold on everything."""

NEW = Lane(route_id="", dag_id="")
"""Events that no route has been asked about: known by name only, or from while the app was misconfigured."""


def version_key(event: BlobEvent, *, route_id: str) -> str:
    """Return the row key of one version on one route: by event time, sequencer and digest.

    The same version has the same key whichever source reports it; rows sort by the time of their events.
    """
    fields = [_FORMAT, event.account, event.container, event.name, event.etag, route_id]
    sequencer = event.sequencer or ""
    if not re.fullmatch(rf"[0-9A-Fa-f]{{1,{_SEQUENCER_LENGTH}}}", sequencer):
        sequencer = ""
    return f"{_ROW}{_moment(event.event_time)}|{sequencer.upper().zfill(_SEQUENCER_LENGTH)}|{digest(fields)}"


def arrival_key(due: datetime, *, unique: str) -> str:
    """Return the row key of an event that is known by name only: by the time when it is due.

    Each arrival has a key of its own, so a second one is not lost when the first is delivered.
    """
    return f"{_ROW}{_moment(due)}|{'0' * _SEQUENCER_LENGTH}|{unique}"


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
