"""A row that makes no sense is a fault of that row, never an error for its reader."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.blob_event import BlobEvent
from shared.model.errors import AirflowUnclear
from shared.model.lane import NEW
from shared.model.pending import Pending
from shared.storage.rows import columns_of, columns_of_failure, long_text, read_row
from tests.storage.row_samples import LANE, NAMED, entity, failures, read
from tests.support.samples import MOMENT

BAD_EVENTS = [
    "{", "null", "[]", "7", '"x"', "{}", "[" * 100_000, '{"a":' * 3_000, json.dumps({"account": "a"}),
    '{"colour":' + "[" * 100_000,
    *(
        json.dumps(json.loads(entity()["event"]) | change)
        for change in list[dict[str, Any]]([
            {"size": -1}, {"size": 2**63}, {"size": 1e300}, {"size": 1.5}, {"size": "1"}, {"size": True},
            {"size": None}, {"etag": ""}, {"etag": 5}, {"name": ""}, {"name": None}, {"account": ""},
            {"url": 5}, {"event_time": "yesterday"}, {"event_time": "2026-01-01T00:00:00"},
            {"event_time": 1e300}, {"event_time": "9999-12-31T23:59:59-12:00"},
            {"event_time": "0001-01-01T00:00:00+12:00"},
            {"last_modified": "2026-13-01T00:00:00Z"}, {"metadata": "x"}, {"metadata": {"k": 1}},
            {"metadata": [1]}, {"name": "x" * 20_000},
        ])
    ),
    json.dumps(json.loads(entity()["event"])).replace("orders", "\\ud800"),
    entity()["event"].replace("1234", "NaN"), entity()["event"].replace("1234", "1" + "0" * 5_000),
    entity()["event"][:-1],
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_EVENTS, ids=range(len(BAD_EVENTS)))
def test_event_that_makes_no_sense_is_a_fault_of_its_row(text: str) -> None:
    """For a person to look at; nothing half-read goes to a DAG."""
    row = read_row({**entity(), **long_text("event", text)})

    assert row.pending is None
    assert row.fault
    assert row.entity["run_id"] == "blob__x"


@pytest.mark.parametrize(
    "changes",
    [
        {"event": ...}, {"event": 5}, {"event": b"x"}, {"event": True}, {"event_1": "more"}, {"event_1": 7},
        {"route": "other"}, {"route": ...}, {"dag_id": "other"}, {"dag_id": ""}, {"dag_id": 5},
        {"route": "!"}, {"dag_id": "\ud800"}, {"route": "\udfff"}, {"history": "x"}, {"history": "[1]"},
        {"history": 5}, {"history": '{"x": 1}'}, {"history": '{"x": {"count": 1}}'},
        {"history": "[" * 100_000},
        {"history": failures(-1)}, {"history": failures(10**20)}, {"history": failures(1e300)},
        {"history": failures(1.5)}, {"history": failures("1")}, {"history": failures(1, last="soon")},
        {"not_before": "soon"}, {"not_before": 5}, {"not_before": float("nan")}, {"parked_at": 1e300},
        {"not_before": "2026-01-01T99:00:00Z"}, {"parked_at": "9999-12-31T23:59:59-99:00"},
        {"reason": 5}, {"message": b"x"}, {"run_id": 1.5}, {"api": True}, {"api": "\ud800"},
        {"sent_x": "x"}, {"sent_x": 5}, {"sent_x": b"\xff"}, {"sent_x": "{}"}, {"sent_x": None},
        {"sent_x": '{"dag_id": 5, "airflow": "a"}'}, {"sent_x": (2**40, "Edm.Int64")},
        {"run_id": UUID(int=1)}, {"PartitionKey": NEW.key}, {"PartitionKey": "by hand"},
        {"PartitionKey": "!"},
    ],
    ids=repr,
)  # fmt: skip
def test_column_edited_by_hand_is_a_fault_of_its_row(changes: dict[str, Any]) -> None:
    """Never an error of another kind, which would stop the drain, and never another DAG."""
    row = read_row(entity(**changes))

    assert row.pending is None
    assert row.fault.isprintable()
    assert len(row.fault) < 300


@pytest.mark.parametrize(
    "changes", [{"container": ""}, {"name": ""}, {"name": ...}, {"container": 5}, {"name": "\ud800"}]
)
def test_row_that_names_no_blob_is_a_fault(changes: dict[str, Any]) -> None:
    """There is nothing to look at."""
    assert read_row(entity(NAMED, **changes)).pending is None


def test_event_by_name_cannot_choose_a_lane() -> None:
    """A route asks for versions; a row by name that names one was edited."""
    forged = Pending(container="landing", name="a", lane=LANE)

    assert "no event" in read_row(entity(forged)).fault


def test_what_was_read_can_be_written_again() -> None:
    """Else a row that was edited within reason would stop the drain that defers it."""
    edited = entity(
        history=failures(2**31 - 2, first="0001-01-01T00:00:00", last="9999-12-31T23:59:59-14:00"),
        not_before=datetime(9999, 12, 31, tzinfo=UTC), sent_y=json.dumps({"dag_id": "ü", "airflow": ""}),
    )  # fmt: skip
    pending = read(edited).after(AirflowUnclear("y"), now=MOMENT)

    again = read(entity(**columns_of_failure(pending)))

    assert again.history.keys() == {"x", "airflow_unclear"}


CELLS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50) | st.binary(max_size=20)
    | st.datetimes() | st.datetimes(timezones=st.timezones()) | st.uuids()
    | st.tuples(st.integers(), st.just("Edm.Int64"))
    | st.sampled_from(["{}", "[]", "null", '{"a":{"count":1}}', "!", "\ud800", "1e300", "NaN"])
)  # fmt: skip
COLUMN_NAMES = st.sampled_from([*entity(), "event_1", "event_2", "sent_", "sent_x", "foreign"]) | st.text(
    max_size=10
)


@given(changes=st.dictionaries(COLUMN_NAMES, CELLS, max_size=6), keep=st.booleans())
def test_no_row_is_an_error_for_its_reader(changes: dict[str, Any], keep: bool) -> None:  # noqa: FBT001
    """Whatever lies in the table: it is read, or its fault is said; and what was read can be written."""
    keys = {"PartitionKey": LANE.key, "RowKey": "r|1"}
    row = read_row({**(entity() if keep else {}), **changes, **keys})

    assert (row.pending is None) == bool(row.fault)
    if row.pending:
        assert columns_of(row.pending.after(AirflowUnclear("x"), now=MOMENT))
        assert isinstance(row.pending.event, BlobEvent)
