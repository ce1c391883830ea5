"""`DeadLetters`: the table `airflowdead`, what can never succeed, for a person to look at.

A letter has the keys and columns of its row in the outbox, and why it is dead. Only a person deletes one.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from shared.event_log import EventLog
from shared.model.errors import BlobToDagError, StorageUnavailable
from shared.model.pending import Pending
from shared.storage.lane_states import text_of
from shared.storage.outbox import row_key
from shared.storage.partitions import first_rows
from shared.storage.rows import Row, columns_of, end_of, long_text, rows_between, storable
from shared.storage.tables import Entity, Table, Written

TABLE = "airflowdead"
UNREADABLE = "unreadable"
"""Partition of the letters that name no lane."""

_TRIES = 5
_MOST_COLUMNS = 240
"""Azure Tables allows 252; a row that was made by hand may leave no place for the reason."""

_BINARY_CHUNK = 32 * 1024
_LARGEST_BODY = 512 * 1024
_LONGEST_CONF = 262_144
"""Characters; a row holds 1 MiB, and a longer conf was never sent."""


class DeadLetters:
    """Writes dead letters, counts and logs them. All methods raise StorageUnavailable.

    Args:
        table: The table.
        log: Of events.
        now: The time, aware.
    """

    def __init__(self, table: Table, log: EventLog, *, now: Callable[[], datetime]) -> None:
        self._table = table
        self._log = log
        self._now = now

    def add(
        self,
        pending: Pending,
        error: BlobToDagError,
        *,
        conf: Mapping[str, object] | None = None,
        key: str = "",
        owner: str = "",
    ) -> None:
        """Write a letter, or merge into the one that the same version has already.

        It is written in any case, so that its ETag moves: a replay of the old letter must notice.

        Args:
            pending: The event.
            error: Why it is dead, with Airflow's own words.
            conf: What was refused.
            key: Row key of its row in the outbox; empty where it has none.
            owner: Who looks after its route, where that says so.
        """
        now = self._now()
        pending = pending.after(error, now=now)
        columns = columns_of(pending)
        if conf is not None:
            # The files of a batch are there already, and twice they may be too many for a row.
            shown = {key: value for key, value in conf.items() if not pending.batch or key != "files"}
            columns |= long_text("conf", _json(shown))
        letter = {
            "PartitionKey": pending.lane.key,
            "RowKey": key or _key_of(pending),
            # Each text ends where a longer one of an earlier death goes on.
            **{end: "" for name in ("event", "conf", "batch") if (end := end_of(name, columns))},
            **columns,
            **({"owner": owner} if owner else {}),
            "died_at": now,
        }
        self._write(letter)
        self._log.error(
            "run.dead",
            blob=pending.path,
            route=pending.lane.route_id or None,
            owner=owner or None,
            dag_id=pending.lane.dag_id or None,
            run_id=pending.run_id,
            reason=error.code,
            message=str(error),
        )

    def add_row(self, row: Row, error: BlobToDagError) -> None:
        """Write a row that cannot be read as it is: every column, and why."""
        system = {"PartitionKey", "RowKey", "Timestamp"}
        columns = [(name, value) for name, value in row.entity.items() if name not in system]
        self._write({**dict(columns[:_MOST_COLUMNS]), **row.keys, **self._why(error)})
        self._log.error("event.unreadable", source=row.partition, key=row.key, message=str(error))

    def add_unreadable(self, body: bytes, error: BlobToDagError, *, source: str, where: str = "") -> None:
        """Write what cannot be read byte for byte; a body that is too large stays where it is, at `where`.

        The same body is one letter, however often it comes.
        """
        digest = _digest(body or where.encode())
        letter: dict[str, object] = {
            "PartitionKey": UNREADABLE,
            "RowKey": digest,
            "source": source,
            "where": where,
            **self._why(error),
        }
        if len(body) <= _LARGEST_BODY:
            chunks = [body[at : at + _BINARY_CHUNK] for at in range(0, len(body), _BINARY_CHUNK)] or [b""]
            letter |= {f"body_{index}" if index else "body": chunk for index, chunk in enumerate(chunks)}
        self._write(letter)
        self._log.error("event.unreadable", source=source, key=digest, message=str(error))

    def counts(self, may_go_on: Callable[[], bool]) -> Iterator[tuple[str, int]]:
        """Count the letters of each lane, 1,000 at the most, with the lane's route, while it may go on."""
        for _, letters in first_rows(self._table, ["route"], may_go_on):
            yield text_of(letters[0], "route"), len(letters)

    def rows(self, partition: str, *, after: str, end: str, most: int) -> list[Row]:
        """Read letters of a lane as the rows that they were."""
        return rows_between(self._table, partition, after=after, end=end, most=most)

    def delete(self, letter: Row) -> None:
        """Delete a letter whose event was written to the outbox again, unless it has died once more."""
        self._table.delete(letter.keys, etag=letter.etag)

    def _why(self, error: BlobToDagError) -> dict[str, object]:
        return {"reason": error.code, "message": storable(str(error)), "died_at": self._now()}

    def _write(self, letter: Entity) -> None:
        for _ in range(_TRIES):
            if self._table.insert(letter) is Written.DONE or self._table.merge(letter) is Written.DONE:
                return
        msg = "A dead letter is deleted and made again by others without end."
        raise StorageUnavailable(msg)


def _key_of(pending: Pending) -> str:
    return row_key(pending, unique="") if pending.event else _digest(pending.path.encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _json(conf: Mapping[str, object]) -> str:
    text = json.dumps(conf, ensure_ascii=False, default=str)
    return text.encode(errors="replace").decode() if len(text) <= _LONGEST_CONF else ""
