"""One specification of a table: for the real one in Azurite, and for the one in memory of other tests."""

import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from shared.storage.tables import Entity, Table, Written

ROW = {"PartitionKey": "p", "RowKey": "r"}
IN_LANE = "PartitionKey eq @lane and RowKey gt @after and RowKey lt @end"


def row(key: str, partition: str = "p", **columns: object) -> dict[str, Any]:
    """Return an entity."""
    return {"PartitionKey": partition, "RowKey": key, **columns}


def etag(table: Table, key: str = "r", partition: str = "p") -> str:
    """Return the ETag of a row as it is now."""
    entity = table.get(partition, key)
    assert entity is not None
    return str(entity.metadata["etag"])  # type: ignore[attr-defined]


def keys(entities: Iterable[Entity]) -> list[str]:
    """Return the row keys."""
    return [entity["RowKey"] for entity in entities]


def left(table: Table, partition: str = "p") -> list[str]:
    """Return the keys of all rows of a partition."""
    return keys(table.query(IN_LANE, {"lane": partition, "after": "", "end": "~"}, most=1_000))


def filled(table: Table, number: int) -> list[tuple[Entity, str]]:
    """Fill a partition; give its rows with their ETags."""
    for index in range(number):
        table.insert(row(f"{index:03}"))
    found = table.query(IN_LANE, {"lane": "p", "after": "", "end": "~"}, most=1_000)
    return [(row(entity["RowKey"]), entity.metadata["etag"]) for entity in found]  # type: ignore[attr-defined]


def test_new_row_is_written_once(table: Table) -> None:
    """A second insert changes nothing and says so."""
    assert table.insert({**ROW, "a": 1}) is Written.DONE
    assert table.insert({**ROW, "a": 2, "b": 2}) is Written.EXISTS

    assert table.get("p", "r") == {**ROW, "a": 1}


def test_merge_changes_the_columns_that_it_names(table: Table) -> None:
    """The others stay, and a value of None takes none away; the ETag moves, even where nothing changed."""
    table.insert({**ROW, "a": 1, "b": 1})
    first = etag(table)

    assert table.merge({**ROW, "b": 2, "c": 3, "a": None}) is Written.DONE
    second = etag(table)
    assert table.merge({**ROW, "b": 2}) is Written.DONE

    assert table.get("p", "r") == {**ROW, "a": 1, "b": 2, "c": 3}
    assert len({first, second, etag(table)}) == 3


def test_merge_of_a_row_that_is_gone_leaves_no_torso(table: Table) -> None:
    """A row with some of its columns would be an event without facts."""
    table.insert(row("other"))

    assert table.merge({**ROW, "a": 1}) is Written.GONE
    assert table.merge({**ROW, "a": 1}, etag=etag(table, "other")) is Written.GONE

    assert table.get("p", "r") is None


def test_merge_by_etag_leaves_a_changed_row_alone(table: Table) -> None:
    """Somebody else knows more by now."""
    table.insert({**ROW, "a": 1})
    old = etag(table)

    assert table.merge({**ROW, "a": 2}, etag=old) is Written.DONE
    assert table.merge({**ROW, "a": 3}, etag=old) is Written.CHANGED

    assert table.get("p", "r") == {**ROW, "a": 2}


def test_replace_writes_all_columns_anew(table: Table) -> None:
    """By ETag only: nothing that another writer added is lost."""
    table.insert({**ROW, "a": 1, "b": 1})
    old = etag(table)

    assert table.replace({**ROW, "b": 2}, etag=old) is Written.DONE
    assert table.replace({**ROW, "b": 3}, etag=old) is Written.CHANGED
    assert table.replace(row("none"), etag=old) is Written.GONE

    assert table.get("p", "r") == {**ROW, "b": 2}
    assert table.get("p", "none") is None


def test_upsert_makes_a_row_or_merges_into_it(table: Table) -> None:
    """For states, which are whole with any of their columns."""
    table.upsert({**ROW, "a": 1})
    table.upsert({**ROW, "b": 2})

    assert table.get("p", "r") == {**ROW, "a": 1, "b": 2}


def test_delete_by_etag_leaves_a_changed_row_alone(table: Table) -> None:
    """The SDK ignores an ETag without a condition: a row that was merged meanwhile would be lost."""
    table.insert({**ROW, "a": 1})
    old = etag(table)
    table.merge({**ROW, "a": 2})

    assert table.delete(ROW, etag=old) is Written.CHANGED
    assert table.get("p", "r") == {**ROW, "a": 2}

    assert table.delete(ROW, etag=etag(table)) is Written.DONE
    assert table.get("p", "r") is None


def test_delete_of_a_row_that_is_gone_is_done(table: Table) -> None:
    """It is not there, which is what was wanted."""
    table.insert(ROW)
    old = etag(table)
    table.delete(ROW, etag=old)

    assert table.delete(ROW, etag=old) is Written.DONE


def test_transaction_is_carried_out_as_a_whole(table: Table) -> None:
    """A row that moves to another key is never there twice, and never away."""
    table.insert(ROW)

    assert table.transact([("delete", ROW, etag(table)), ("create", row("new", a=1), "")]) is None

    assert left(table) == ["new"]


def test_transaction_names_the_member_that_is_in_the_way(table: Table) -> None:
    """Changed, or there already: nothing at all is carried out."""
    rows = filled(table, 3)
    table.merge(row("001", a=1))

    assert table.transact([("delete", *rows[0]), ("delete", *rows[1]), ("delete", *rows[2])]) == 1
    assert table.transact([("delete", *rows[0]), ("create", row("002"), "")]) == 1
    assert table.transact([("create", row("000"), ""), ("delete", *rows[2])]) == 0

    assert left(table) == ["000", "001", "002"]


def test_transaction_names_the_member_that_is_gone(table: Table) -> None:
    """Another drain was faster."""
    rows = filled(table, 3)
    table.delete(rows[2][0], etag=rows[2][1])

    assert table.transact([("delete", *each) for each in rows]) == 2

    assert left(table) == ["000", "001"]


def test_rows_are_deleted_around_those_that_vanished_or_changed(table: Table) -> None:
    """Over several transactions; what changed stays for the next drain, the rest is gone."""
    rows = filled(table, 230)
    for index in (0, 50, 99, 100, 229):
        table.merge(row(f"{index:03}", a=1))
    for index in (1, 51, 101, 228):
        table.delete(*rows[index][:1], etag=rows[index][1])

    table.delete_all(rows)

    assert left(table) == ["000", "050", "099", "100", "229"]


def test_nothing_to_delete_is_no_request(table: Table) -> None:
    """Azure refuses an empty transaction."""
    table.delete_all([])

    assert left(table) == []


def test_row_that_is_not_there_is_none(table: Table) -> None:
    """With the table or without it."""
    assert table.get("p", "r") is None

    table.insert(row("other"))

    assert table.get("p", "r") is None


def test_query_gives_the_first_rows_in_the_order_of_their_keys(table: Table) -> None:
    """Whatever the order in which they were written; what is asked for, and no more."""
    for key in ("r|3", "!", "r|1", "z", "r|2", "s|0"):
        table.insert(row(key))
        table.insert(row(key, partition="q"))

    bounds = {"lane": "p", "after": "!", "end": "r}"}

    assert keys(table.query(IN_LANE, bounds, most=10)) == ["r|1", "r|2", "r|3"]
    assert keys(table.query(IN_LANE, bounds, most=2)) == ["r|1", "r|2"]
    assert keys(table.query(IN_LANE, bounds | {"after": "r|2"}, most=2)) == ["r|3"]
    assert table.query(IN_LANE, bounds | {"lane": "other"}, most=2) == []


def test_scan_over_partitions_skips_from_head_to_head(table: Table) -> None:
    """One row for each partition, also where a person chose the key."""
    partitions = ["!", "a b", "it's", "orders.copy_file~0", "x" * 512, "~", "größe", "\uff24\uff21\uff27"]
    for partition in partitions:
        for key in ("2", "1", "3"):
            table.insert(row(key, partition=partition))

    found, last = [], ""
    while heads := table.query("PartitionKey gt @last", {"last": last}, most=1):
        found.append((heads[0]["PartitionKey"], heads[0]["RowKey"]))
        last = heads[0]["PartitionKey"]

    assert found == [(partition, "1") for partition in sorted(partitions)]


def test_query_without_a_table_finds_nothing(table: Table) -> None:
    """Before the first event ever waited."""
    assert table.query("PartitionKey gt @last", {"last": ""}, most=1) == []


def test_scan_gives_all_rows_of_a_partition_or_of_the_table(table: Table) -> None:
    """In the order of their keys; a table that is not there has none."""
    assert list(table.scan()) == []
    for partition, row in (("b", "1"), ("a", "2"), ("a", "1")):
        table.insert({"PartitionKey": partition, "RowKey": row, "text": "x"})

    keys = [(row["PartitionKey"], row["RowKey"]) for row in table.scan()]

    assert keys == [("a", "1"), ("a", "2"), ("b", "1")]
    assert [row["RowKey"] for row in table.scan("a", columns=["PartitionKey", "RowKey"])] == ["1", "2"]


def test_start_of_the_app_does_not_import_the_table_sdk() -> None:
    """The happy path needs no table, and a cold start does not pay for it."""
    code = "import sys, function_app; print([name for name in sys.modules if name.startswith('azure.data')])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_scan_begins_where_it_is_told_to(table: Table) -> None:
    """All rows, those of one partition, or those from one on."""
    for partition in ("2026-11-19.a", "2026-11-20.a", "routes"):
        table.insert(row("r", partition))

    assert [each["PartitionKey"] for each in table.scan(first="2026-11-20")] == ["2026-11-20.a", "routes"]
    assert [each["PartitionKey"] for each in table.scan("2026-11-19.a")] == ["2026-11-19.a"]
    assert len(list(table.scan())) == 3
