"""What is missing, by table: one blob and one route, against what is known of its name and its version."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.airflow.dialects.base import RunFacts
from shared.jobs.missing import Judged, Known, Verdict, Window, judge
from shared.model.lane import LaneKind
from shared.model.run_id import AGAIN, run_id
from shared.storage.blob_reader import Listed
from tests.support.fakes import routes
from tests.support.samples import MOMENT, blob_event

DAY = timedelta(days=1)
NOW = MOMENT + timedelta(hours=1)
ORDERS = '[[route]]\nname = "new-name"\nid = "orders"\nmatch = "landing/**"\ndag_id = "load"\n'
FILE = Listed(event=blob_event(), created=MOMENT)


def known() -> Known:
    """Return what nothing is known to."""
    return Known(account="acct", route_ids=["orders", "refunds"])


def run(*, route: str = "orders", again: str = "", **changes: Any) -> RunFacts:
    """Return a run of a version."""
    event = blob_event(**changes)
    conf = {"container": event.container, "filename": event.name, "etag": event.etag, "route": "old name"}
    return RunFacts(dag_id="d", run_id=run_id(event, route=route) + again, state="failed", page="", conf=conf)


def row(**changes: Any) -> dict[str, str]:
    """Return a row of the outbox, of the dead letters, or of what was settled."""
    return {
        "container": "landing",
        "name": FILE.event.name,
        "etag": FILE.event.etag,
        "route": "orders",
    } | changes


def verdict_on(known: Known, listed: Listed = FILE, **window: Any) -> Verdict:
    """Decide about one file of the route `orders`."""
    values = {"since": NOW - 2 * DAY, "until": NOW} | window
    (judged,) = judge([listed], routes=routes(ORDERS), known=known, window=Window(**values))
    return judged.verdict


def test_file_that_nothing_knows_is_missing() -> None:
    """Its event never came."""
    assert verdict_on(known()) is Verdict.MISSING


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (run(), Verdict.KNOWN),
        (run(again=f"{AGAIN}1"), Verdict.KNOWN),
        (run(etag="another"), Verdict.CHANGED),
        (run(etag="another", again=f"{AGAIN}1"), Verdict.CHANGED),
        (run(route="refunds"), Verdict.MISSING),
        (run(route="gone"), Verdict.MISSING),
        (run(name="other.csv"), Verdict.MISSING),
        (replace(run(), run_id="manual__1"), Verdict.MISSING),
        (replace(run(), conf={}), Verdict.KNOWN),
        (
            RunFacts(dag_id="d", run_id=run(etag="b").run_id, state="", page="", conf=run().conf),
            Verdict.MISSING,
        ),
    ],
)
def test_run_counts_for_the_route_and_file_that_it_proves(seen: RunFacts, expected: Verdict) -> None:
    """Its digest tells, whatever its conf says and however the route is called by now."""
    knowing = known()
    knowing.add_run(seen)

    assert verdict_on(knowing) is expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, Verdict.KNOWN),
        ({"etag": "another"}, Verdict.CHANGED),
        ({"etag": None, "route": ""}, Verdict.CHANGED),
        ({"route": "refunds"}, Verdict.MISSING),
        ({"name": None}, Verdict.MISSING),
    ],
)
def test_what_waits_is_dead_or_was_dropped_is_left_alone(columns: dict[str, Any], expected: Verdict) -> None:
    """By name: a row that no route was asked about stands for all of them."""
    knowing = known()
    knowing.add_row(row(**columns))

    assert verdict_on(knowing) is expected


@pytest.mark.parametrize(
    ("created", "modified", "seen", "expected"),
    [
        (1, 1, 5, Verdict.MISSING),
        (30, 1, 50, Verdict.MISSING),
        (72, 1, 100, Verdict.CHANGED),
        (10, 10, 5, Verdict.OLDER),
        (10, 1, 5, Verdict.CHANGED),
    ],
    ids=["new", "in the window", "from before it", "older than its route", "older, and written since"],
)
def test_metadata_that_are_written_make_no_old_file_new(
    created: float, modified: float, seen: float, expected: Verdict
) -> None:
    """They move the time of the version, and not that of the blob. Hours before now."""
    event = blob_event(event_time=NOW - timedelta(hours=modified))
    listed = Listed(event=event, created=NOW - timedelta(hours=created))

    assert verdict_on(known(), listed, first_seen={"orders": NOW - timedelta(hours=seen)}) is expected


@pytest.mark.parametrize("hours", [49, -0.01])
def test_file_outside_the_window_is_not_looked_at(hours: float) -> None:
    """The event of a young one may be on its way."""
    listed = Listed(event=blob_event(event_time=NOW - timedelta(hours=hours)), created=NOW)
    window = Window(since=NOW - 2 * DAY, until=NOW)

    assert list(judge([listed], routes=routes(ORDERS), known=known(), window=window)) == []


def test_missing_file_of_a_batched_route_goes_into_the_next_batch() -> None:
    """One that is in a batch has a claim, which is known as any row is."""
    table = routes(ORDERS + "batch = {}\n")
    window = Window(until=NOW)

    [missing] = judge([FILE], routes=table, known=known(), window=window)
    in_a_batch = known()
    in_a_batch.add_row(row(reason="batch"))
    [claimed] = judge([FILE], routes=table, known=in_a_batch, window=window)

    assert (missing.verdict, claimed.verdict) == (Verdict.MISSING, Verdict.KNOWN)
    assert missing.pending.lane.kind is LaneKind.BATCH


def test_what_is_missing_waits_in_its_lane_with_its_run_id() -> None:
    """As a live event would; copies that are not finished and files that no route wants are passed over."""
    pending_copy = Listed(event=blob_event(name="c", copy_status="pending"), created=MOMENT)
    foreign = Listed(event=blob_event(container="other"), created=MOMENT)
    found: list[Judged] = list(
        judge([pending_copy, foreign, FILE], routes=routes(ORDERS), known=known(), window=Window(until=NOW))
    )

    (judged,) = found
    assert judged.pending.event == FILE.event
    assert str(judged.pending.lane) == "orders -> load"
    assert judged.pending.run_id == run_id(FILE.event, route="orders")
