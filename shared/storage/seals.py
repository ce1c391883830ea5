"""`Seals`: the files of the outbox that wait for their batch, and the batch of each lane that is being made.

Of a lane there is one seal at most, the row `!seal`. Files are moved to it under its id and by its ETag, and
its last write is one with the row of the batch, so that this row is written once.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from shared.model.lane import FILES_END, GATHERED, SEAL, Lane, sealed_key, sealed_prefix
from shared.model.pending import Pending
from shared.storage.lane_states import text_of
from shared.storage.outbox import row_key
from shared.storage.rows import Row, columns_of, rows_between
from shared.storage.tables import Entity, Table, Written

MOST_MOVED = 49
"""Files in a transaction: each is a delete and an insert, and the seal is one more."""

PAGE = 1_000
_SYSTEM = {"PartitionKey", "RowKey", "Timestamp"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Gathered(msgspec.Struct, frozen=True):
    """How many files wait for their batch, and when the first and the last came by the server's clock."""

    count: int
    first: datetime = _EPOCH
    last: datetime = _EPOCH


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that is being made.

    Attributes:
        partition: Of its lane.
        id: Of this seal, in the keys of its files.
        part: Which run of the batch it is, from 1.
        left: How many files its batch may still have, this part included.
        run_id: Of the run; empty until the files are fixed.
        etag: Of the row.
    """

    partition: str
    id: str
    part: int
    left: int
    run_id: str
    etag: str

    @property
    def keys(self) -> dict[str, str]:
        """The columns that name its row."""
        return {"PartitionKey": self.partition, "RowKey": SEAL}


class Seals:
    """Reads and writes seals and their files. All methods raise StorageUnavailable."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, partition: str) -> Seal | None:
        """Return the seal of a lane; None without one."""
        entity = self._table.get(partition, SEAL)
        if entity is None:
            return None
        return Seal(
            partition=partition,
            id=text_of(entity, "seal"),
            part=_number(entity, "batch_part"),
            left=_number(entity, "files_left"),
            run_id=text_of(entity, "run_id"),
            etag=_etag(entity),
        )

    def gathered(self, partition: str) -> Gathered:
        """Count the files that wait: a request for each thousand."""
        count, first, last, after = 0, None, _EPOCH, GATHERED
        while page := self._table.query(
            "PartitionKey eq @lane and RowKey gt @after and RowKey lt @end",
            {"lane": partition, "after": after, "end": FILES_END},
            most=PAGE,
            columns=["PartitionKey", "RowKey", "Timestamp"],
        ):
            times = [entity.metadata["timestamp"] for entity in page]  # type: ignore[attr-defined]
            first, last = min(times) if first is None else min(first, *times), max(last, *times)
            count, after = count + len(page), str(page[-1]["RowKey"])
            if len(page) < PAGE:
                break
        return Gathered(count, first or _EPOCH, last)

    def waiting(self, partition: str, *, most: int = PAGE) -> list[Row]:
        """Read the first files that wait, oldest event first."""
        return rows_between(self._table, partition, after=GATHERED, end=FILES_END, most=most)

    def files(self, seal: Seal) -> list[Row]:
        """Read the files of a seal, oldest event first."""
        prefix = sealed_prefix(seal.id)
        after, found = prefix, []
        while page := rows_between(self._table, seal.partition, after=after, end=prefix + "~", most=PAGE):
            found += page
            if len(page) < PAGE:
                break
            after = page[-1].key
        return found

    def open(self, lane: Lane, *, left: int) -> None:
        """Begin a batch of a lane, unless one is begun."""
        self._table.insert(_columns(lane, part=1, left=left))

    def move(self, seal: Seal, rows: Sequence[Row]) -> bool:
        """Move files that wait to a seal: all of them, and only while it is as it was read."""
        operations: list[tuple[str, Entity, str]] = [("update", {**seal.keys, "seal": seal.id}, seal.etag)]
        for row in rows:
            kept = {name: value for name, value in row.entity.items() if name not in _SYSTEM}
            sealed = {**kept, **row.keys, "RowKey": sealed_key(row.key, seal=seal.id)}
            operations += [("delete", row.keys, row.etag), ("create", sealed, "")]
        return self._table.transact(operations) is None

    def fix(self, seal: Seal, pending: Pending, *, left: int) -> bool:
        """Write the row of a batch, and that its files are fixed: both or none, if the seal is as it was.

        A row of the same files that waits already is the same run, and is written over.
        """
        row = {
            "PartitionKey": seal.partition,
            "RowKey": row_key(pending, unique=""),
            **columns_of(pending),
        }
        fixed = {**seal.keys, "run_id": pending.run_id, "files_left": left}
        return self._table.transact([("update", fixed, seal.etag), ("upsert", row, "")]) is None

    def delete(self, rows: Sequence[Row]) -> None:
        """Delete files, each if it is as it was read."""
        self._table.delete_all([(row.keys, row.etag) for row in rows])

    def go_on(self, seal: Seal, lane: Lane) -> None:
        """Begin the next part of a batch in the place of one that is done, if that is as it was read."""
        self._table.replace(_columns(lane, part=seal.part + 1, left=seal.left), etag=seal.etag)

    def close(self, seal: Seal) -> bool:
        """Delete a seal that is done, or that no file is for, if it is as it was read."""
        return self._table.delete(seal.keys, etag=seal.etag) is not Written.CHANGED


def _columns(lane: Lane, *, part: int, left: int) -> dict[str, object]:
    columns: dict[str, object] = {
        "PartitionKey": lane.key,
        "RowKey": SEAL,
        "route": lane.route_id,
        "dag_id": lane.dag_id,
        "seal": uuid.uuid4().hex,
        "batch_part": part,
        "files_left": left,
    }
    return {**columns, **({"lane_group": lane.group} if lane.group else {})}


def _number(entity: Entity, column: str) -> int:
    value = entity.get(column)
    return value if isinstance(value, int) and value > 0 else 0


def _etag(entity: Entity) -> str:
    return str(getattr(entity, "metadata", {}).get("etag", ""))
