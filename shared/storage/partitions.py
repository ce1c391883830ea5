"""`first_rows`: the first rows of every partition of a table, in few requests."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from shared.storage.tables import Entity, Table

PAGE = 1_000
"""Rows; the most that Azure Tables gives at once."""


def first_rows(
    table: Table, columns: Sequence[str], may_go_on: Callable[[], bool]
) -> Iterator[tuple[str, list[Entity]]]:
    """Yield each partition with its first 1,000 rows at most, until there are no more or it may not go on.

    A page holds many small partitions, or the first rows of a large one: a table with 1,000 rows or fewer is
    one request, and none needs more than one for each partition and each 1,000 rows that are yielded.

    Raises:
        StorageUnavailable: The table cannot be read.
    """
    where, bounds = "PartitionKey gt @last", {"last": ""}
    while may_go_on():
        select = ["PartitionKey", "RowKey", *columns]
        page = table.query(where, bounds, most=PAGE, columns=select)
        found = [(key, list(rows)) for key, rows in groupby(page, key=lambda row: str(row["PartitionKey"]))]
        if len(page) < PAGE:
            yield from found
            return
        *whole, (key, rows) = found
        yield from whole
        if whole:
            # The page may have cut the last one, so it is read anew, from its own beginning.
            where, bounds = "PartitionKey ge @first", {"first": key}
        else:
            yield key, rows
            where, bounds = "PartitionKey gt @last", {"last": key}
