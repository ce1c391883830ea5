"""`Settled`: the table `airflowsettled`, versions that are settled without a run id of their own.

Whether a version was delivered is asked of Airflow, by its run id. That cannot tell of a file that is one of
many in the run of a batch, nor of one that was dropped: a claim tells of those, for 14 days. The table also
has when each route was seen first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shared.model.blob_event import BlobEvent
from shared.model.lane import Lane, LaneKind, version_digest
from shared.storage.rows import storable
from shared.storage.tables import MOST_IN_TRANSACTION, Entity, Table, Written

TABLE = "airflowsettled"
ROUTES = "routes"
"""Partition of the routes' first-seen times; sorts behind every day."""

KEPT = timedelta(days=14)
_PAGE = 1_000
_FEW = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """That one version is settled, and how.

    Attributes:
        event: The version.
        lane: The lane that it was settled in; of its DAG nothing but the column is kept.
        reason: `batch` or `dropped`.
        run_id: Of the batch's run.
        who: The person who dropped it, or the setting that did.
        why: In their words.
    """

    event: BlobEvent
    lane: Lane
    reason: str
    run_id: str = ""
    who: str = ""
    why: str = ""

    @property
    def keys(self) -> dict[str, str]:
        """The columns that name its row."""
        return keys_of(self.event, self.lane)


class Settled:
    """Writes and finds claims. All methods raise StorageUnavailable.

    Args:
        table: The table.
        now: The time, aware.
    """

    def __init__(self, table: Table, *, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now

    def claim(self, claim: Claim) -> bool:
        """Write a claim; tell whether it is the first of its version. The first stays as it is."""
        return self._table.insert(self._columns(claim)) is Written.DONE

    def claim_all(self, claims: Iterable[Claim], *, anew: bool = False) -> None:
        """Write claims in transactions of a hundred; the first of each version stays as it is.

        Args:
            claims: The claims.
            anew: Whether they count more than those that are there.
        """
        kind = "upsert" if anew else "create"
        by_partition: dict[str, dict[str, Entity]] = {}
        for claim in claims:
            columns = self._columns(claim)
            by_partition.setdefault(columns["PartitionKey"], {})[columns["RowKey"]] = columns
        for rows in by_partition.values():
            left = list(rows.values())
            while left:
                failed = self._table.transact([(kind, row, "") for row in left[:MOST_IN_TRANSACTION]])
                if failed is None:
                    del left[:MOST_IN_TRANSACTION]
                else:
                    # It is there already, which fails the whole transaction.
                    del left[failed]

    def find(self, event: BlobEvent, lane: Lane) -> Entity | None:
        """Read the claim of a version: `reason`, `run_id`, `who`, `why`, `settled_at`; None without one."""
        keys = keys_of(event, lane)
        return self._table.get(keys["PartitionKey"], keys["RowKey"])

    def claimed(self, events: Sequence[BlobEvent], lane: Lane) -> set[str]:
        """Return the digests of those versions of a lane that have a claim."""
        by_partition: dict[str, set[str]] = {}
        for event in events:
            keys = keys_of(event, lane)
            by_partition.setdefault(keys["PartitionKey"], set()).add(keys["RowKey"])
        found: set[str] = set()
        for partition, digests in by_partition.items():
            if len(digests) <= _FEW:
                found |= {digest for digest in digests if self._table.get(partition, digest)}
            else:
                found |= digests & self.row_keys(partition)
        return found

    def row_keys(self, partition: str) -> set[str]:
        """Read the row keys of all claims of a partition, a request for each thousand."""
        return {str(row["RowKey"]) for page in self._pages(partition) for row in page}

    def first_seen(self, route_ids: Iterable[str]) -> dict[str, datetime]:
        """Return when each route was seen first, which is now for those that are new."""
        rows = [row for page in self._pages(ROUTES) for row in page]
        times = {str(row["RowKey"]): _aware(row.get("seen_at")) for row in rows}
        now = self._now()
        for route_id in set(route_ids) - set(times):
            row = {"PartitionKey": ROUTES, "RowKey": route_id, "seen_at": now}
            times[route_id] = now
            if self._table.insert(row) is Written.EXISTS and (found := self._table.get(ROUTES, route_id)):
                times[route_id] = _aware(found.get("seen_at"))
        return times

    def sweep(self, *, most: int) -> bool:
        """Delete claims that are older than 14 days; tell whether none is left.

        What counts is when a version was settled: a partition of long ago may hold claims of a backfill.

        Args:
            most: Stop after about so many.
        """
        cutoff = self._now() - KEPT
        last, deleted = "", 0
        where = "PartitionKey gt @first and PartitionKey lt @cutoff"
        while found := self._table.query(
            where, {"first": last, "cutoff": f"{cutoff.astimezone(UTC):%Y-%m-%d}"}, most=1
        ):
            last = str(found[0]["PartitionKey"])
            for page in self._pages(last):
                old = [row for row in page if _aware(row.get("settled_at")) < cutoff]
                self._table.delete_all([(_keys(row), row.metadata["etag"]) for row in old])  # type: ignore[attr-defined]
                deleted += len(old)
                if deleted >= most:
                    return False
        return True

    def _pages(self, partition: str) -> Iterator[Sequence[Entity]]:
        after = ""
        where = "PartitionKey eq @lane and RowKey gt @after and RowKey lt @end"
        while page := self._table.query(where, {"lane": partition, "after": after, "end": "~"}, most=_PAGE):
            yield page
            if len(page) < _PAGE:
                return
            after = str(page[-1]["RowKey"])

    def _columns(self, claim: Claim) -> dict[str, Any]:
        columns = {
            **claim.keys,
            "container": claim.event.container,
            "name": claim.event.name,
            "etag": claim.event.etag,
            "route": claim.lane.route_id,
            "dag_id": claim.lane.dag_id,
            "reason": claim.reason,
            "run_id": claim.run_id,
            "who": storable(claim.who),
            "why": storable(claim.why),
            "settled_at": self._now(),
        }
        return {name: value for name, value in columns.items() if value != ""}


def keys_of(event: BlobEvent, lane: Lane) -> dict[str, str]:
    """Return the keys of the claim of one version.

    The DAG is left out: what was settled stays so when its route names another one. So is the key of a batch,
    which a route may make of other captures.
    """
    group = "" if lane.kind is LaneKind.BATCH else lane.group
    day = event.event_time.astimezone(UTC).date().isoformat()
    return {
        "PartitionKey": f"{day}.{Lane(route_id=lane.route_id, dag_id='', group=group).key}",
        "RowKey": version_digest(event, route_id=lane.route_id),
    }


def _keys(row: Entity) -> dict[str, str]:
    return {"PartitionKey": row["PartitionKey"], "RowKey": row["RowKey"]}


def _aware(moment: object) -> datetime:
    """Return a time of the table; one that somebody took away is long ago."""
    if not isinstance(moment, datetime):
        return _EPOCH
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
