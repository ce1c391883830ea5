"""`Selection`: which rows a command is about, and the rows themselves, a page at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.model.lane import is_row
from shared.storage.rows import Row, read_row
from shared.storage.tables import Entity, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a row must have; an empty text asks for nothing.

    Attributes:
        route: The id of its route.
        reason: Code of its last failure.
        prefix: What `container/name` begins with.
    """

    route: str = ""
    reason: str = ""
    prefix: str = ""

    def takes(self, entity: Entity) -> bool:
        """Tell whether a row is selected; the state of a lane, and the seal of a batch, never is."""
        if not is_row(entity["RowKey"]):
            return False
        if self.route and entity.get("route") != self.route:
            return False
        if self.reason and entity.get("reason") != self.reason:
            return False
        return path_of(entity).startswith(self.prefix)

    def entities(self, table: Table, *, columns: list[str] | None = None) -> Iterator[Entity]:
        """Read the selected rows, in the order of their keys."""
        return (entity for entity in table.scan(columns=columns) if self.takes(entity))

    def rows(self, table: Table) -> Iterator[Row]:
        """Read the selected rows as the app does, in the order of their keys."""
        return (read_row(entity) for entity in self.entities(table))

    def count(self, table: Table) -> int:
        """Count the selected rows: a request for each thousand of the table."""
        columns = ["PartitionKey", "RowKey", "route", "reason", "container", "name"]
        return sum(1 for _ in self.entities(table, columns=columns))

    def __str__(self) -> str:
        """Return it as it stands on the command line."""
        asked = (("--route", self.route), ("--reason", self.reason), ("--prefix", self.prefix))
        return " ".join(f"{name} {value}" for name, value in asked if value)


def path_of(entity: Entity) -> str:
    """Return `container/name`; empty for what could not be read at all."""
    container, name = entity.get("container"), entity.get("name")
    return f"{container}/{name}" if container and name else ""


def nothing_selected(selection: Selection, table: Table) -> str:
    """Return a sentence about a selection without rows, with what there is instead."""
    routes: dict[str, None] = {}
    reasons: dict[str, None] = {}
    for entity in table.scan(columns=["RowKey", "route", "reason"]):
        if is_row(entity["RowKey"]):
            routes[str(entity.get("route") or "(no route yet)")] = None
            reasons[str(entity.get("reason") or "(none)")] = None
    if not routes:
        return "There is nothing at all."
    said = (
        f"Nothing is selected by {selection}. There are rows of the routes {', '.join(routes)}, "
        f"with the reasons {', '.join(reasons)}."
    )
    if "*" in selection.prefix:
        said += " --prefix takes the beginning of container/name, no pattern: a * stands for itself."
    return said
