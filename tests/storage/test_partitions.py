"""The first rows of every partition, in memory and in Azurite: whole, in order, in few requests."""

from collections import Counter

import pytest

from shared.storage import partitions
from shared.storage.partitions import first_rows
from shared.storage.tables import Table

FIRST = 4
"""Rows in a page of these tests."""


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pages small, so that a few rows fill several."""
    monkeypatch.setattr(partitions, "PAGE", FIRST)


@pytest.mark.parametrize(
    ("sizes", "requests"),
    [
        ([], 1),
        ([3], 1),
        ([1, 1, 1], 1),
        ([4], 2),
        ([9], 2),
        ([2, 2], 2),
        ([3, 2], 2),
        ([3, 9, 1], 3),
        ([9, 9, 9], 4),
        ([1, 1, 1, 1, 1, 1, 1], 3),
    ],
)
def test_each_partition_is_read_once_with_its_first_rows(
    table: Table, sizes: list[int], requests: int
) -> None:
    """Also one that lies on the border of two pages, or that fills several."""
    for partition, size in enumerate(sizes):
        for row in range(size):
            table.insert({"PartitionKey": f"p{partition}", "RowKey": f"r{row}", "number": row, "more": "x"})
    asked = Counter[str]()

    def may_go_on() -> bool:
        asked["times"] += 1
        return True

    found = list(first_rows(table, ["number"], may_go_on))

    assert [key for key, _ in found] == [f"p{partition}" for partition in range(len(sizes))]
    assert [[row["number"] for row in rows] for _, rows in found] == [
        list(range(min(size, FIRST))) for size in sizes
    ]
    assert asked["times"] == requests


def test_it_stops_where_it_may_not_go_on(table: Table) -> None:
    """What was read is still worth something."""
    for partition in "abc":
        for row in range(FIRST):
            table.insert({"PartitionKey": partition, "RowKey": str(row)})
    left = [True, True, False]

    assert [key for key, _ in first_rows(table, [], lambda: left.pop(0))] == ["a", "b"]


def test_columns_that_a_row_lacks_are_left_out_or_none(table: Table) -> None:
    """Rows of people have any columns."""
    table.insert({"PartitionKey": "a", "RowKey": "1", "name": "x"})

    [(_, [row])] = first_rows(table, ["name", "other"], lambda: True)

    assert (row["name"], row.get("other")) == ("x", None)
