"""The keys of lanes and rows: what Azure Tables takes, in the order of the events, the same for ever."""

import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.batch import group_of, key_in
from shared.model.blob_event import BlobEvent
from shared.model.lane import (
    EVERYTHING,
    FILES_END,
    GATHERED,
    NEW,
    ROWS_BEGIN,
    ROWS_END,
    SEAL,
    STATE,
    Lane,
    LaneKind,
    arrival_key,
    batch_key,
    gathered_key,
    kind_of,
    sealed_key,
    version_digest,
    version_key,
)
from shared.model.run_id import batch_run_id
from tests.support.samples import MOMENT, blob_event

# https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
FORBIDDEN = re.compile("[/\\\\#?\u0000-\u001f\u007f-\u009f]")
MOST_UNITS = 512

GOLDEN = json.loads(Path(__file__).with_name("golden_keys.json").read_text(encoding="utf-8"))

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=1_024) | st.sampled_from(
    [
        "!",
        "r|",
        "..",
        "a/b",
        "a\\b",
        "a#b?c",
        "x" * 1_024,
        "é" * 1_024,
        "😀" * 512,
        "u\u0308",
        "ü",
        "\x7f\x9f",
    ]
)
NAMES = TEXTS.filter(bool)
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
SEQUENCERS = st.none() | st.text(max_size=80) | st.text("0123456789abcdefABCDEF", max_size=70)


def row_key(event: BlobEvent, route: str = "orders") -> str:
    """Return the row key on a route."""
    return version_key(event, route_id=route)


@pytest.mark.parametrize("case", GOLDEN["lanes"], ids=lambda case: case["key"][:40])
def test_golden_lane_keys_never_change(case: dict[str, str]) -> None:
    """Rows that wait while the app is updated are found by the next version."""
    kind = LaneKind(case.get("kind", ""))
    lane = Lane(route_id=case["route_id"], dag_id=case["dag_id"], group=case.get("group", ""), kind=kind)

    assert case["key"] == lane.key
    assert kind_of(lane.key) is kind


@pytest.mark.parametrize("case", GOLDEN["rows"], ids=lambda case: case["key"][-12:])
def test_golden_row_keys_never_change(case: dict[str, Any]) -> None:
    """A version that is parked again after an update is the same row."""
    facts = {**case["event"], "event_time": datetime.fromisoformat(case["event"]["event_time"])}

    assert case["key"] == row_key(blob_event(**facts), case["route_id"])


def test_golden_arrival_key_never_changes() -> None:
    """Arrivals sort among each other by the time when they are due."""
    assert arrival_key(MOMENT, unique="u") == f"r|2026-11-20T06:30:15.123456Z|{'0' * 64}|u"


def test_golden_keys_of_batches_never_change() -> None:
    """Files that wait while the app is updated are in the batch that the next version makes."""
    event = blob_event(name="a.csv", event_time=MOMENT)
    waits = gathered_key(event, route_id="r")

    assert waits == f"w|{row_key(event, 'r').removeprefix('r|')}"
    assert sealed_key(waits, seal="1") == f"s|1|{waits.removeprefix('w|')}"
    assert batch_key(MOMENT, run_id="x") == (
        f"r|2026-11-20T06:30:15.123456Z|{'0' * 64}|385f03e1514b2b145eb5b87d3881f2cb"
    )
    group = group_of({"day": date(2026, 11, 20), "shop": 7, "name": "a&b=c/ü"})
    assert group == "day=2026-11-20&shop=7&name=a%26b%3Dc%2F%C3%BC"
    assert key_in(group) == {"day": "2026-11-20", "shop": "7", "name": "a&b=c/ü"}
    run_id = batch_run_id([version_digest(event, route_id="r")], route="r", group=group)
    assert run_id == "blob__batch~day_2026-11-20_shop_7_name_a_b_c~__1c05162515fe3a46bb97b1282bbece08"
    assert STATE < SEAL < ROWS_BEGIN < "r|" < ROWS_END < "s|" < GATHERED < FILES_END


@given(route=TEXTS, dag=TEXTS, group=TEXTS, kind=st.sampled_from(LaneKind))
def test_any_lane_has_a_key_that_azure_takes(route: str, dag: str, group: str, kind: LaneKind) -> None:
    """Whatever a route, a DAG and a capture are called."""
    key = Lane(route_id=route, dag_id=dag, group=group, kind=kind).key

    assert not FORBIDDEN.search(key)
    assert 0 < len(key.encode("utf-16-le")) // 2 <= MOST_UNITS
    assert key.isascii()
    assert key == STATE or re.fullmatch(r"[A-Za-z0-9_.-]{1,80}~[0-9a-f]{32}(~[a-z]+)?", key)


@given(name=NAMES, etag=NAMES, route=TEXTS, time=TIMES, sequencer=SEQUENCERS)
def test_any_version_has_a_key_that_azure_takes(
    name: str, etag: str, route: str, time: datetime, sequencer: str | None
) -> None:
    """Whatever a blob is called, and whatever its event says; and it sorts between the state and the end."""
    key = row_key(blob_event(name=name, etag=etag, event_time=time, sequencer=sequencer), route)

    assert not FORBIDDEN.search(key)
    assert len(key.encode("utf-16-le")) // 2 <= MOST_UNITS
    assert STATE < key < ROWS_END


@given(one=st.tuples(TEXTS, TEXTS), other=st.tuples(TEXTS, TEXTS))
def test_lanes_are_apart_unless_they_are_the_same(one: tuple[str, str], other: tuple[str, str]) -> None:
    """What is readable may be cut off or replaced; the digest is over all of it."""
    keys = [Lane(route_id=route, dag_id=dag).key for route, dag in (one, other)]

    assert (keys[0] == keys[1]) == (one == other or one[0] == other[0] == STATE)


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a.b", "c"), ("a", "b.c")), (("ab", "c"), ("a", "bc")), (("a/b", "c"), ("a_b", "c")),
     (("ü", "d"), ("u\u0308", "d")), (("r" * 90 + "1", "d"), ("r" * 90 + "2", "d")),
     (("", "new"), ("new", ""))],
)  # fmt: skip
def test_lanes_that_look_alike_are_apart(one: tuple[str, str], other: tuple[str, str]) -> None:
    """One lane's trouble must not be another's."""
    assert Lane(route_id=one[0], dag_id=one[1]).key != Lane(route_id=other[0], dag_id=other[1]).key


def test_lane_key_begins_with_what_people_know() -> None:
    """Somebody who looks into the table finds route and DAG."""
    assert Lane(route_id="orders", dag_id="copy_file").key.startswith("orders.copy_file~")
    assert NEW.key.startswith("new.~")
    assert EVERYTHING.key == STATE


def test_lane_says_what_it_is() -> None:
    """In messages and in the log."""
    assert str(Lane(route_id="orders", dag_id="copy_file")) == "orders -> copy_file"
    assert str(NEW) == "events without a route yet"
    assert str(EVERYTHING) == "everything"


@given(name=NAMES, route=TEXTS, time=TIMES, sequencer=SEQUENCERS)
def test_same_version_has_the_same_key_whatever_else_is_known(
    name: str, route: str, time: datetime, sequencer: str | None
) -> None:
    """Two sources that know more or less about a version park one row."""
    poor = blob_event(name=name, event_time=time, sequencer=sequencer)
    rich = blob_event(
        name=name, event_time=time.astimezone(timezone(timedelta(hours=-9))), sequencer=sequencer, size=9,
        content_type="x", last_modified=MOMENT, metadata={"k": "v"}, url="http://a/b", traceparent="00-1",
    )  # fmt: skip

    assert row_key(poor, route) == row_key(rich, route)


@pytest.mark.parametrize(
    "change",
    [{"account": "other"}, {"container": "other"}, {"name": "other"}, {"etag": "other"},
     {"name": "orders/2026/11/20.CSV"}, {"event_time": MOMENT + timedelta(microseconds=1)}],
)  # fmt: skip
def test_another_version_has_another_key(change: dict[str, Any]) -> None:
    """Nothing of what a version is may be missing in the key."""
    assert row_key(blob_event(**change)) != row_key(blob_event())


def test_unicode_twins_and_routes_have_keys_of_their_own() -> None:
    """NFC and NFD are two blobs; two routes are two runs, even of one DAG."""
    assert row_key(blob_event(name="\u00fc")) != row_key(blob_event(name="u\u0308"))
    assert row_key(blob_event(), "one") != row_key(blob_event(), "two")


@given(one=TIMES, other=TIMES, first=NAMES, second=NAMES)
def test_rows_sort_by_the_time_of_their_events(
    one: datetime, other: datetime, first: str, second: str
) -> None:
    """To the microsecond, from the first year to the last."""
    keys = [row_key(blob_event(name=name, event_time=time)) for name, time in ((first, one), (second, other))]

    assert one == other or (keys[0] < keys[1]) == (one < other)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("9", "10"), ("0" * 18 + "1", "0" * 18 + "2"), ("f", "10"), ("a", "B"), (None, "1"), ("1", "f" * 64)],
)
def test_rows_of_one_moment_sort_by_sequencer(earlier: str | None, later: str) -> None:
    """As numbers, whatever their length and case; a row without one comes first."""
    for name in ("a", "b", "c"):
        first, second = blob_event(sequencer=earlier), blob_event(sequencer=later, name=name)
        assert row_key(first) < row_key(second)


@pytest.mark.parametrize("sequencer", ["", "f" * 65, "xyz", "1/2", "\uff11", "1\n", " 1", "0x1", "😀", "-1"])
def test_foreign_sequencer_counts_as_none(sequencer: str) -> None:
    """It cannot break a key, nor put a row out of its place."""
    assert row_key(blob_event(sequencer=sequencer)) == row_key(blob_event(sequencer=None))


@given(one=TIMES, other=TIMES)
def test_arrivals_sort_by_the_time_when_they_are_due(one: datetime, other: datetime) -> None:
    """Nobody has to pass over those that are not."""
    keys = arrival_key(one, unique="b"), arrival_key(other, unique="a")

    assert one == other or (keys[0] < keys[1]) == (one < other)
    assert STATE < keys[0] < ROWS_END


def test_arrivals_of_one_moment_are_apart() -> None:
    """A second arrival is not lost when the first is delivered."""
    assert arrival_key(MOMENT, unique="a") != arrival_key(MOMENT, unique="b")
