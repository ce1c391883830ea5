"""A table in memory, for tests that move the clock or inject faults; `tests/storage` holds it to Azurite."""

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from azure.data.tables import TableEntity

from shared.storage.tables import MOST_IN_TRANSACTION, Entity, Table, Written

# https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
_FORBIDDEN_IN_KEYS = re.compile("[/\\\\#?\u0000-\u001f\u007f-\u009f]")
_FIRST_TIME = datetime(1601, 1, 1, tzinfo=UTC)

type Fault = Callable[[str, Entity | None], None]
"""Sees the name of an operation and its entity before it is carried out; raises to let it fail."""


class MemoryTable(Table):
    """Keeps entities by their keys, with an ETag that every write changes.

    Attributes:
        rows: By partition key and row key.
        operations: The name of each operation, in their order.
        faults: Asked before each operation.
        after: Asked after each operation: a reply that is lost.
        now: The server's clock.
    """

    now: Callable[[], datetime] = staticmethod(lambda: _FIRST_TIME)

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.operations: list[str] = []
        self.faults: list[Fault] = []
        self.after: list[Fault] = []
        self._etags: dict[tuple[str, str], str] = {}
        self._timestamps: dict[tuple[str, str], datetime] = {}
        self._numbers = itertools.count(1)
        self._mutex = threading.RLock()

    def insert(self, entity: Entity) -> Written:
        return self._run("insert", entity, lambda: self._insert(entity))

    def merge(self, entity: Entity, *, etag: str | None = None) -> Written:
        return self._run("merge", entity, lambda: self._alter(entity, etag, self._merged))

    def replace(self, entity: Entity, *, etag: str) -> Written:
        return self._run("replace", entity, lambda: self._alter(entity, etag, dict))

    def upsert(self, entity: Entity) -> None:
        self._run("upsert", entity, lambda: self._put(self._merged(entity)))

    def delete(self, entity: Entity, *, etag: str) -> Written:
        # The SDK does not tell a row that is gone from one that it deleted.
        written = self._run("delete", entity, lambda: self._alter(entity, etag, None))
        return Written.DONE if written is Written.GONE else written

    def transact(self, operations: Sequence[tuple[str, Entity, str]]) -> int | None:
        return self._run("transact", None, lambda: self._transact(operations))

    def get(self, partition: str, row: str) -> Entity | None:
        return self._run("get", None, lambda: self._read((partition, row)))

    def query(
        self, where: str, parameters: Mapping[str, Any], *, most: int, columns: list[str] | None = None
    ) -> list[Entity]:
        return self._run("query", None, lambda: self._query(parameters, most))

    def scan(
        self, partition: str = "", *, columns: list[str] | None = None, first: str = ""
    ) -> Iterator[Entity]:
        with self._mutex:
            found = [keys for keys in sorted(self.rows) if keys[0] == (partition or max(first, keys[0]))]
        for keys in found:
            if (entity := self._read(keys)) is not None:
                yield entity

    def partitions(self) -> list[str]:
        """Return the partition keys, in their order."""
        return sorted({partition for partition, _ in self.rows})

    def events(self, partition: str = "") -> list[dict[str, Any]]:
        """Return the rows that are no states, in their order."""
        with self._mutex:
            return [
                row
                for keys, row in sorted(self.rows.items())
                if keys[1] != "!" and (not partition or keys[0] == partition)
            ]

    def _run[T](self, name: str, entity: Entity | None, operate: Callable[[], T]) -> T:
        for fault in list(self.faults):
            fault(name, entity)
        with self._mutex:
            self.operations.append(name)
            result = operate()
        for fault in list(self.after):
            fault(name, entity)
        return result

    def _read(self, keys: tuple[str, str]) -> TableEntity | None:
        if keys not in self.rows:
            return None
        entity = TableEntity(self.rows[keys])
        entity._metadata = {"etag": self._etags[keys], "timestamp": self._timestamps[keys]}
        return entity

    def _query(self, parameters: Mapping[str, Any], most: int) -> list[Entity]:
        if "cutoff" in parameters:
            found = [
                keys for keys in sorted(self.rows) if parameters["first"] < keys[0] < parameters["cutoff"]
            ]
        elif "first" in parameters:
            found = [keys for keys in sorted(self.rows) if keys[0] >= parameters["first"]]
        elif "last" in parameters:
            found = [keys for keys in sorted(self.rows) if keys[0] > parameters["last"]]
        else:
            found = [
                keys
                for keys in sorted(self.rows)
                if keys[0] == parameters.get("lane", keys[0])
                and parameters["after"] < keys[1] < parameters["end"]
            ]
        return [entity for keys in found[:most] if (entity := self._read(keys))]

    def _insert(self, entity: Entity) -> Written:
        if _keys(entity) in self.rows:
            return Written.EXISTS
        self._put(dict(entity))
        return Written.DONE

    def _merged(self, entity: Entity) -> dict[str, Any]:
        news = {name: value for name, value in entity.items() if value is not None}
        return {**self.rows.get(_keys(entity), {}), **news}

    def _alter(
        self, entity: Entity, etag: str | None, make: Callable[[Entity], dict[str, Any]] | None
    ) -> Written:
        keys = _keys(entity)
        if keys not in self.rows:
            return Written.GONE
        if etag is not None and etag != self._etags[keys]:
            return Written.CHANGED
        if make is None:
            del self.rows[keys], self._etags[keys]
        else:
            self._put(make(entity))
        return Written.DONE

    def _put(self, row: dict[str, Any]) -> None:
        row = {name: value for name, value in row.items() if value is not None}
        _check(row)
        self.rows[_keys(row)] = row
        self._etags[_keys(row)] = f"e{next(self._numbers)}"
        self._timestamps[_keys(row)] = self.now()

    def _transact(self, operations: Sequence[tuple[str, Entity, str]]) -> int | None:
        assert len({_keys(entity) for _, entity, _ in operations}) == len(operations) <= MOST_IN_TRANSACTION
        assert len({entity["PartitionKey"] for _, entity, _ in operations}) == 1
        for index, (kind, entity, etag) in enumerate(operations):
            keys = _keys(entity)
            if kind == "create" and keys in self.rows:
                return index
            if kind in {"delete", "update"} and (keys not in self.rows or etag != self._etags[keys]):
                return index
        for kind, entity, _ in operations:
            if kind == "create":
                self._put(dict(entity))
            elif kind in {"update", "upsert"}:
                self._put(self._merged(entity))
            else:
                del self.rows[_keys(entity)], self._etags[_keys(entity)]
        return None


def _check(row: Entity) -> None:
    """Fail on what Azure Tables refuses; Azurite takes some of it."""
    for key in _keys(row):
        assert not _FORBIDDEN_IN_KEYS.search(key), key
        assert _units(key) <= 512, key
    assert len(row) <= 255, "too many columns"
    for name, value in row.items():
        if isinstance(value, str):
            assert _units(value) <= 32 * 1024, name
            value.encode()  # no half of a surrogate pair
        elif isinstance(value, datetime):
            assert value.tzinfo is not None, name
            assert value >= _FIRST_TIME, name
        elif isinstance(value, bytes):
            assert len(value) <= 64 * 1024, name
        elif isinstance(value, int):
            assert abs(value) < 2**31, name
        else:
            assert isinstance(value, float | tuple | UUID), name
    assert sum(_size(name) + _size(value) for name, value in row.items()) <= 1024 * 1024, "too large"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def _size(value: object) -> int:
    return 2 * _units(value) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 8


def _keys(entity: Entity) -> tuple[str, str]:
    return str(entity["PartitionKey"]), str(entity["RowKey"])
