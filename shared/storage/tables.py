"""`Table`: one Azure Table, made when it is missing, its failures translated."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from shared.model.errors import StorageUnavailable
from shared.storage.accounts import StorageAccount, error_code

if TYPE_CHECKING:
    from azure.data.tables import TableClient

type Entity = Mapping[str, Any]

MOST_IN_TRANSACTION = 100
"""Of one partition; a limit of Azure Tables."""

_ROLE = "Storage Table Data Contributor"


class Written(Enum):
    """What came of a write that depends on the state of a row."""

    DONE = "done"
    EXISTS = "exists"
    GONE = "gone"
    CHANGED = "changed"


class Table:
    """Reads and writes entities, from any number of threads. All methods raise StorageUnavailable.

    The SDK is imported with the first call: the happy path of an event needs no table.
    """

    def __init__(self, account: StorageAccount, name: str) -> None:
        self._account = account
        self._name = name
        self._lock = threading.Lock()
        self._client: TableClient | None = None

    def insert(self, entity: Entity) -> Written:
        """Write a new row; `EXISTS` where there is one of the same keys."""
        with self._translated():
            try:
                self._making_table(lambda client: client.create_entity(entity))
            except ResourceExistsError as error:
                # Other conflicts have the same status, such as a table that is being deleted.
                if error_code(error) != "EntityAlreadyExists":
                    raise
                return Written.EXISTS
            return Written.DONE

    def merge(self, entity: Entity, *, etag: str | None = None) -> Written:
        """Change columns of a row that exists: `GONE` without one, `CHANGED` where the ETag is another."""
        return self._change("update_entity", entity, etag)

    def replace(self, entity: Entity, *, etag: str) -> Written:
        """Write all columns of a row anew, if its ETag is still this one."""
        return self._change("update_entity", entity, etag, mode="replace")

    def upsert(self, entity: Entity) -> None:
        """Change columns of a row, or make it. Only for rows that are whole with these columns."""
        with self._translated():
            self._making_table(lambda client: client.upsert_entity(entity))

    def delete(self, entity: Entity, *, etag: str) -> Written:
        """Delete a row, if its ETag is still this one; `DONE` also where there is no such row any more."""
        return self._change("delete_entity", entity, etag)

    def delete_all(self, rows: Sequence[tuple[Entity, str]]) -> None:
        """Delete rows of one partition, each if its ETag is still this one.

        In transactions of a hundred. A member that is gone or changed fails the whole transaction, so it is
        taken out and the rest is sent again.
        """
        rows = list(rows)
        while rows:
            failed = self.transact([("delete", entity, etag) for entity, etag in rows[:MOST_IN_TRANSACTION]])
            if failed is None:
                del rows[:MOST_IN_TRANSACTION]
            else:
                del rows[failed]

    def transact(self, operations: Sequence[tuple[str, Entity, str]]) -> int | None:
        """Carry out writes of one partition, all or none.

        Args:
            operations: Kind (`create`, `delete`, `update` for a merge, `upsert`), entity, and the ETag that
                it must have or an empty string.

        Returns:
            None where all were carried out, else the index of a row that exists, is gone or has changed.
        """
        from azure.data.tables import TableTransactionError  # noqa: PLC0415  (see the class)

        batch: list[Any] = [
            (
                kind,
                dict(entity),
                {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {},
            )
            for kind, entity, etag in operations
        ]
        with self._translated():
            try:
                self._making_table(lambda client: client.submit_transaction(batch))
            except TableTransactionError as error:
                expected = {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED}
                if error.status_code in expected and 0 <= error.index < len(batch):
                    return int(error.index)
                raise
        return None

    def get(self, partition: str, row: str) -> Entity | None:
        """Read one row; None where there is none."""
        with self._translated():
            try:
                return self._open().get_entity(partition, row)
            except ResourceNotFoundError:
                return None

    def query(
        self, where: str, parameters: Mapping[str, Any], *, most: int, columns: list[str] | None = None
    ) -> list[Entity]:
        """Read the first rows in the order of their keys, one request where storage gives them at once.

        A page that is empty but names a next one is not the end: the SDK goes on.
        """
        with self._translated():
            try:
                found: Iterable[Entity] = self._open().query_entities(
                    where, parameters=dict(parameters), results_per_page=most, select=columns
                )
                return list(islice(found, most))
            except ResourceNotFoundError:
                return []

    def scan(
        self, partition: str = "", *, columns: list[str] | None = None, first: str = ""
    ) -> Iterator[Entity]:
        """Read all rows of a partition, or of the table, in the order of their keys, a page at a time.

        Args:
            partition: The partition; all where it is empty.
            columns: Which columns; all where it is None.
            first: Where all are read, the partition to begin with.
        """
        with self._translated():
            try:
                yield from self._open().query_entities(
                    f"PartitionKey {'eq' if partition else 'ge'} @key" if partition or first else "",
                    parameters={"key": partition or first} if partition or first else None,
                    select=columns,
                )
            except ResourceNotFoundError:
                return

    def _change(self, operation: str, entity: Entity, etag: str | None, **options: Any) -> Written:
        if etag is not None:
            options |= _unmodified(etag)
        with self._translated():
            try:
                getattr(self._open(), operation)(dict(entity), **options)
            except ResourceModifiedError:
                return Written.CHANGED
            except ResourceNotFoundError:
                return Written.GONE
            return Written.DONE

    def _open(self) -> "TableClient":
        with self._lock:
            if self._client is None:
                self._client = self._account.table(self._name)
            return self._client

    def _making_table(self, write: Callable[["TableClient"], object]) -> None:
        """Carry out a write that can only lack its table."""
        from azure.data.tables import TableTransactionError  # noqa: PLC0415  (see the class)

        client = self._open()
        try:
            write(client)
        except (ResourceNotFoundError, TableTransactionError) as error:
            if isinstance(error, TableTransactionError) and error_code(error) != "TableNotFound":
                raise
            # Another worker may be faster; while the table is being deleted, it cannot be made for a while.
            with suppress(ResourceExistsError):
                client.create_table()
            write(client)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (AzureError, AttributeError) as error:
            # The SDK looks into the answer of a failure that has none, such as a token that was not given.
            cause = error if isinstance(error, AzureError) else error.__context__
            if not isinstance(cause, AzureError):
                raise
            raise StorageUnavailable(self._message(cause)) from cause

    def _message(self, error: AzureError) -> str:
        if isinstance(error, ClientAuthenticationError) and error.response is None:
            return f"The app's identity got no token for the table {self._name} ({type(error).__name__})."
        if not isinstance(error, HttpResponseError):
            return f"The table {self._name} cannot be reached ({type(error).__name__})."
        code = error_code(error)
        if error.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return (
                f"Storage refused access to the table {self._name} ({error.status_code} {code}). Give "
                f"the app's identity the role {_ROLE!r} on the account of {self._account.name}."
            )
        return f"The table {self._name} failed ({error.status_code} {code})."


def _unmodified(etag: str) -> dict[str, Any]:
    # Without the condition the SDK ignores the ETag.
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}
