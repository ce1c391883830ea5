"""Which files have no run: a list of blobs on one side, what Airflow and the tables know on the other. Pure.

The reconciler of the app and a person's backfill decide by the same rules.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum

import msgspec

from shared.airflow.dialects.base import RunFacts
from shared.model.errors import CopyPending
from shared.model.pending import Pending
from shared.model.run_id import digest, digest_in, identity_digest
from shared.routes.table import RouteTable
from shared.storage.blob_reader import Listed
from shared.storage.tables import Entity

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_ANY_ROUTE = ""

KNOWN_COLUMNS = ["container", "name", "etag", "route"]
"""Of rows, for `Known.add_row`."""


class Verdict(Enum):
    """What is to be done about one version and route."""

    KNOWN = "known"
    """It has its run, waits, is dead, or was dropped."""

    MISSING = "missing"
    """Nothing knows of the file: its event never came."""

    CHANGED = "changed"
    """Another version of the file is known, or it is older: overwritten, or only its metadata written."""

    OLDER = "older"
    """The file was there before its route."""


class Known:
    """The versions and names that something is known of: 16 bytes for each.

    Args:
        account: The landing account.
        route_ids: The routes' ids. A run does not say which route it is of, as that may have another name by
            now; but only with the right id its digest comes out.
    """

    def __init__(self, *, account: str, route_ids: Iterable[str]) -> None:
        self._account = account
        self._route_ids = sorted(set(route_ids))
        self._versions: set[bytes] = set()
        self._names: set[bytes] = set()

    def add_run(self, run: RunFacts) -> None:
        """Take note of a run, whoever asked for it."""
        found = digest_in(run.run_id)
        if found is None:
            return
        self._versions.add(bytes.fromhex(found))
        texts = [(run.conf or {}).get(key) for key in ("container", "filename", "etag")]
        container, name, etag = (text if isinstance(text, str) else "" for text in texts)
        for route_id in self._route_ids:
            if found == self._version(container, name, etag, route_id).hex():
                self._names.add(_name(container, name, route_id))

    def add_row(self, row: Entity) -> None:
        """Take note of a row: of the outbox, of the dead letters, or of what was settled without a run."""
        container, name, etag, route = (str(row.get(column) or "") for column in KNOWN_COLUMNS)
        if name:
            self._names.add(_name(container, name, route))
            self._versions.add(self._version(container, name, etag, route))

    def verdict(self, listed: Listed, route_id: str, *, since: datetime, first_seen: datetime) -> Verdict:
        """Decide about a blob and a route that wants it.

        Args:
            listed: The blob.
            route_id: The route.
            since: How far back the runs are known.
            first_seen: When the route was seen first.
        """
        event = listed.event
        if self._version(event.container, event.name, event.etag, route_id) in self._versions:
            return Verdict.KNOWN
        if not self._names.isdisjoint(
            _name(event.container, event.name, each) for each in (route_id, _ANY_ROUTE)
        ):
            return Verdict.CHANGED
        if event.event_time < first_seen:
            return Verdict.OLDER
        return Verdict.CHANGED if listed.created < max(since, first_seen) else Verdict.MISSING

    def _version(self, container: str, name: str, etag: str, route_id: str) -> bytes:
        return bytes.fromhex(
            identity_digest(account=self._account, container=container, name=name, etag=etag, route=route_id)
        )


def _name(container: str, name: str, route_id: str) -> bytes:
    return bytes.fromhex(digest([container, name, route_id]))


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Which blobs are looked at.

    Attributes:
        since: Blobs that were written from then on.
        until: Blobs that were written before.
        first_seen: When each route was seen first, by its id; files that are older are left alone.
    """

    since: datetime = _LONG_AGO
    until: datetime
    first_seen: Mapping[str, datetime] = msgspec.field(default_factory=dict)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One run that a blob could have, and what is to be done about it."""

    pending: Pending
    verdict: Verdict


def judge(blobs: Iterable[Listed], *, routes: RouteTable, known: Known, window: Window) -> Iterator[Judged]:
    """Yield a judgement for each run that the routes ask for; unfinished copies are passed over."""
    for listed in blobs:
        event = listed.event
        if not window.since <= event.event_time < window.until:
            continue
        try:
            requests = routes.match(event).requests
        except CopyPending:
            continue
        for run in requests:
            first_seen = window.first_seen.get(run.route_id, _LONG_AGO)
            verdict = known.verdict(listed, run.route_id, since=window.since, first_seen=first_seen)
            pending = Pending(
                container=event.container,
                name=event.name,
                event=event,
                lane=run.entry_lane,
                run_id=run.run_id,
            )
            yield Judged(pending=pending, verdict=verdict)
