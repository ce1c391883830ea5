"""`page_of`: a hundred rows of a table of any length, from any row on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from operate.items import COLUMNS, NO_OWNERS, Item, Owners, item_of
from operate.selection import Selection
from shared.storage.tables import Entity, Table

PAGE = 100
_AT_ONCE = 1_000
"""Rows of one request; a limit of Azure Tables."""

SEPARATOR = "/"
"""Between the keys of a row: Azure Tables allows it in neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Some rows in the order of their keys.

    Attributes:
        items: The rows.
        after: Row that the next page begins behind; empty where there is none.
    """

    items: tuple[Item, ...]
    after: str


def page_of(
    table: Table, selection: Selection, *, after: str = "", most: int = PAGE, owners: Owners = NO_OWNERS
) -> Slice:
    """Read the next selected rows.

    Route and reason are compared by storage. A prefix is not, so that a rare one reads the rows up to it.
    """
    items: list[Item] = []
    for entity in _entities(table, selection, after, most):
        if len(items) == most:
            return Slice(items=tuple(items), after=row_id(items[-1]))
        items.append(item_of(entity, owners))
    return Slice(items=tuple(items), after="")


def row_id(item: Item) -> str:
    """Return what names a row in an address or a form."""
    return f"{item.partition}{SEPARATOR}{item.key}"


def _entities(table: Table, selection: Selection, after: str, most: int) -> Iterator[Entity]:
    wanted = {"route": selection.route, "reason": selection.reason}
    given = {name: value for name, value in wanted.items() if value}
    also = "".join(f" and {name} eq @{name}" for name in given)
    at_once = (
        _AT_ONCE if selection.prefix else most + 2
    )  # a state may be among them, and one more tells of more
    partition, _, row = after.partition(SEPARATOR)
    while True:
        keys: dict[str, Any] = {"partition": partition, "row": row}
        # The rest of the partition, then what follows: storage seeks for each, and would not for an "or".
        for where in ("PartitionKey eq @partition and RowKey gt @row", "PartitionKey gt @partition"):
            found = table.query(f"{where}{also}", keys | given, most=at_once, columns=COLUMNS)
            yield from filter(selection.takes, found)
            if len(found) == at_once:
                partition, row = str(found[-1]["PartitionKey"]), str(found[-1]["RowKey"])
                break
        else:
            return
