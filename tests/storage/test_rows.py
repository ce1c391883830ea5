"""Rows: every fact comes back from the table, and rows of other versions are read."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.blob_event import blob_url
from shared.model.errors import AirflowUnclear
from shared.model.lane import LaneKind
from shared.model.pending import Pending
from shared.storage.rows import (
    Row,
    columns_of_failure,
    end_of,
    long_text,
    read_long_text,
    read_row,
)
from shared.storage.tables import Table
from tests.storage.row_samples import FULL, LANE, NAMED, RICH, entity, read
from tests.support.samples import MOMENT, ORDERS, blob_event
from tests.support.table import MemoryTable

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1_024)
ZONES = st.integers(-1_439, 1_439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)  # noqa: DTZ001
IN_ORDER = replace(FULL, lane=replace(LANE, group="ü", kind=LaneKind.ORDERED))
LARGEST_METADATA = {"k": "😀" * 4_090}


def stored(table: Table, columns: dict[str, Any]) -> Row:
    """Write a row and read it again."""
    table.insert(columns)
    found = table.get(columns["PartitionKey"], columns["RowKey"])
    assert found
    return read_row(found)


@pytest.mark.parametrize(
    "pending", [FULL, NAMED, Pending(container="landing", name=ORDERS.name, event=ORDERS), IN_ORDER]
)
def test_every_fact_comes_back_from_the_table(table: Table, pending: Pending) -> None:
    """Types and microseconds included; and the row knows its keys and its ETag."""
    row = stored(table, entity(pending))

    assert row.pending == pending
    assert row.fault == ""
    assert row.keys == {"PartitionKey": pending.lane.key, "RowKey": "r|1"}
    assert row.etag
    assert {type(value) for value in vars_of(row.pending) if isinstance(value, datetime)} <= {datetime}


def vars_of(pending: Pending) -> list[object]:
    """Return the values of an event's own fields."""
    return [getattr(pending, name) for name in Pending.__slots__]


def test_nothing_is_cut_off(table: Table) -> None:
    """The longest name of the widest characters, 8 KiB of metadata, long facts and a long message."""
    name = "😀" * 1_024
    event = blob_event(
        name=name, url=blob_url("https://acct.blob.core.windows.net", "landing", name),
        content_type="x" * 8_000, metadata=LARGEST_METADATA, version_id="v" * 1_000,
    )  # fmt: skip
    pending = Pending(container="landing", name=name, event=event, lane=LANE, message="ü" * 10_000)

    columns = entity(pending)

    assert stored(table, columns).pending == pending
    assert [column for column in columns if column.startswith("event_") and column != "event_time"] == [
        "event_1"
    ]
    assert (
        max(len(value.encode("utf-16-le")) for value in columns.values() if isinstance(value, str)) <= 65_536
    )


@given(
    name=NAMES, etag=NAMES, time=TIMES, size=st.integers(0, 2**63 - 1), message=st.text(max_size=20_000),
    metadata=st.dictionaries(NAMES, NAMES, max_size=3),
)  # fmt: skip
def test_any_event_can_be_written_and_comes_back(
    name: str, etag: str, time: datetime, size: int, message: str, metadata: dict[str, str]
) -> None:
    """Within the limits of Azure Tables, whatever it is called and whatever it says."""
    event = blob_event(name=name, etag=etag, event_time=time, size=size, metadata=metadata)
    pending = Pending(container="landing", name=name, event=event, lane=LANE).after(
        AirflowUnclear(message), now=MOMENT
    )

    row = stored(MemoryTable(), entity(pending))

    assert row.pending is not None
    assert row.pending.event == event
    assert row.pending.history == pending.history
    assert row.pending.message == message[:16_000]


def test_columns_without_a_value_are_left_out() -> None:
    """A table has no null."""
    assert None not in entity(NAMED).values()
    assert {"api", "run_id", "event", "not_before"}.isdisjoint(entity(NAMED))


def test_people_find_etag_and_time_in_columns_of_their_own() -> None:
    """They search for them; but for a time that no column can hold."""
    assert (entity()["etag"], entity()["event_time"]) == (RICH.etag, MOMENT)

    old = blob_event(event_time=datetime(1, 1, 1, tzinfo=UTC))
    assert "event_time" not in entity(Pending(container="landing", name=old.name, event=old))


def test_row_of_a_newer_version_is_read() -> None:
    """An app that was rolled back delivers what it understands."""
    event = json.loads(entity()["event"]) | {"colour": "blue", "layers": [1, {}]}

    assert read(entity(format=2, colour="blue", number=1.5, event=json.dumps(event))) == FULL


def test_row_of_an_older_version_is_read() -> None:
    """What it does not know yet has its default."""
    columns = ("api", "run_id", "reason", "message", "history", "not_before", "parked_at", "format", "etag")

    pending = read({name: value for name, value in entity().items() if name not in columns})

    assert (pending.event, pending.lane) == (RICH, LANE)
    assert (pending.history, pending.not_before, pending.parked_at) == ({}, None, None)


def test_container_and_name_are_those_of_the_event() -> None:
    """Their own columns are for people, who may have edited them."""
    assert read(entity(container="other", name=...)) == FULL


def test_time_without_a_zone_is_utc() -> None:
    """As Azure's own portal writes it."""
    naive = MOMENT.replace(tzinfo=None)

    assert read(entity(not_before=naive, parked_at=naive.isoformat())) == FULL


def test_time_with_an_offset_is_the_same_moment() -> None:
    """Edited by somebody elsewhere."""
    moment = MOMENT.astimezone(timezone(timedelta(hours=-7)))

    assert read(entity(not_before=moment, parked_at=moment.isoformat())) == FULL


@pytest.mark.parametrize("year", [1, 9999])
def test_time_at_the_edge_is_read(year: int) -> None:
    """The first year is long due; the last counts as a mistake, so due as well."""
    assert read(entity(not_before=datetime(year, 1, 1, tzinfo=UTC))).not_before is not None


def test_time_that_says_at_once_is_read_as_none() -> None:
    """A merge cannot take a column away."""
    assert columns_of_failure(NAMED)["not_before"].year == 1970
    assert read(entity(not_before=columns_of_failure(NAMED)["not_before"])).not_before is None


@given(text=st.text(max_size=70_000) | st.integers(0, 50_000).map("😀".__mul__))
def test_long_text_survives_its_columns(text: str) -> None:
    """In any number of them, none too long for Azure."""
    columns = long_text("x", text)

    assert read_long_text("x", columns) == text
    assert all(len(chunk) <= 16_000 for chunk in columns.values())
    assert end_of("x", columns) == f"x_{len(columns)}"


def test_text_that_is_not_there_has_no_end() -> None:
    """Nothing to end."""
    assert end_of("x", {"y": "1"}) == ""
    assert read_long_text("x", {"y": "1"}) == ""
