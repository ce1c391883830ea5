"""The report: what waits and what is dead, one line for each route, in few requests."""

from dataclasses import replace
from typing import Any

import pytest
from azure.data.tables import TableServiceClient

from shared.app import App
from shared.event_log import EventLog
from shared.jobs.outbox_report import OutboxReport
from shared.model.errors import (
    AirflowUnreachable,
    BadEvent,
    DagMissing,
    DagPaused,
    RunRefused,
    StorageUnavailable,
)
from shared.model.hold import LaneState
from shared.model.lane import EVERYTHING, Lane
from shared.model.pending import Pending
from tests.support.clock import FakeClock
from tests.support.harness import DEFAULT, OutboxHarness, lane_of
from tests.support.samples import blob_event

ORDERS, BILLS = lane_of("orders"), lane_of("bills")
NOTHING = "outbox.state rows=0 told_rows=0 dead=0"


def _report(harness: OutboxHarness) -> OutboxReport:
    return OutboxReport(
        outbox=harness.outbox, dead_letters=harness.dead_letters, log=harness.log, timing=harness.timing
    )


@pytest.fixture
def harness(caplog: pytest.LogCaptureFixture) -> OutboxHarness:
    """Return an app whose lines are kept."""
    caplog.set_level("INFO")
    return OutboxHarness()


def _lines(harness: OutboxHarness, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Write a report and return its lines."""
    caplog.clear()
    _report(harness).write(harness.clock() + 15)
    return [record.getMessage() for record in caplog.records]


def _bury(harness: OutboxHarness, name: str, lane: Lane) -> None:
    event = blob_event(name=name)
    pending = Pending(container=event.container, name=name, event=event, lane=lane, run_id="r")
    harness.dead_letters.add(pending, RunRefused("no"))


def test_each_route_is_one_line_with_its_rows_their_age_and_its_dead_letters(
    harness: OutboxHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """Its lanes are counted together: a route may name a DAG for each file."""
    harness.park("a", lane=ORDERS)
    harness.clock.now += 60
    harness.park("b", lane=replace(ORDERS, dag_id="another"))
    harness.park("c", "d", lane=BILLS)
    _bury(harness, "e", ORDERS)
    _bury(harness, "f", DEFAULT)
    harness.clock.now += 30.9

    assert sorted(_lines(harness, caplog)) == [
        'outbox.state rows=0 told_rows=0 dead=1 route="default"',
        'outbox.state rows=2 oldest_seconds=30 told_rows=0 dead=0 route="bills"',
        'outbox.state rows=2 oldest_seconds=90 told_rows=0 dead=1 route="orders"',
    ]


def test_nothing_is_one_line_too(harness: OutboxHarness, caplog: pytest.LogCaptureFixture) -> None:
    """No line at all means that there is no dispatcher."""
    assert _lines(harness, caplog) == [NOTHING]

    harness.hold_by_person(EVERYTHING)
    assert _lines(harness, caplog) == [f'{NOTHING} hold="person"']


def test_events_without_a_route_and_unreadable_ones_have_an_empty_route(
    harness: OutboxHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """Known by name only, or not at all."""
    harness.outbox.park(Pending(container="landing", name="a"))
    harness.dead_letters.add_unreadable(b"garbage", BadEvent("garbage"), source="q")

    assert _lines(harness, caplog) == [
        'outbox.state rows=1 oldest_seconds=0 told_rows=0 dead=1 route=""',
    ]


@pytest.mark.parametrize("held", [ORDERS, EVERYTHING])
def test_rows_that_a_person_holds_have_an_age_of_their_own(
    harness: OutboxHarness, caplog: pytest.LogCaptureFixture, held: Lane
) -> None:
    """Nobody is to be woken for what was told to wait, whatever else is wrong."""
    harness.park("a", lane=ORDERS)
    harness.outbox.hold(ORDERS, DagMissing("x"))
    harness.hold_by_person(held)
    harness.clock.now += 3_600

    assert _lines(harness, caplog) == [
        'outbox.state rows=1 told_rows=1 told_oldest_seconds=3600 dead=0 route="orders" hold="person"'
    ]


def test_rows_whose_route_waits_for_a_paused_dag_were_told_to(
    harness: OutboxHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """Those that the hold of the lane keeps, and one that the hold has not reached yet."""
    harness.park("a", "b", lane=ORDERS)
    harness.outbox.hold(ORDERS, DagPaused("x"))
    harness.park("c", lane=BILLS)
    [row] = [row for row in harness.waiting if row["name"] == "c"]
    row["reason"] = DagPaused.code
    harness.park("d", lane=BILLS)

    assert _lines(harness, caplog) == [
        'outbox.state rows=2 oldest_seconds=0 told_rows=1 told_oldest_seconds=0 dead=0 route="bills"',
        'outbox.state rows=2 told_rows=2 told_oldest_seconds=0 dead=0 route="orders" hold="dag_paused"',
    ]

    harness.outbox.hold(EVERYTHING, AirflowUnreachable("x"))
    [bills, orders] = _lines(harness, caplog)
    assert bills.endswith('route="bills" hold="airflow_unreachable"')
    assert orders.startswith("outbox.state rows=2 told_rows=2 told_oldest_seconds=0 dead=0")
    assert orders.endswith('route="orders" hold="airflow_unreachable"')


def test_hold_and_move_of_a_lane_are_named(harness: OutboxHarness, caplog: pytest.LogCaptureFixture) -> None:
    """By the code of what is wrong."""
    harness.park("a", lane=ORDERS)
    harness.outbox.hold(ORDERS, DagMissing("x"))
    harness.park("b", lane=BILLS)
    harness.outbox.write_state(LaneState(lane=BILLS, moving_since=harness.clock.time()))

    assert [line.rpartition(" ")[2] for line in _lines(harness, caplog)] == [
        'hold="moving"',
        'hold="dag_missing"',
    ]


def test_counts_stop_at_a_thousand_and_the_next_route_is_counted(
    harness: OutboxHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """A page for each full lane, and none for each row."""
    harness.park(*[str(number) for number in range(2_500)], lane=BILLS)
    harness.park("a", lane=ORDERS)
    harness.storage.outbox.operations.clear()

    lines = _lines(harness, caplog)

    assert [line.split()[1] for line in lines] == ["rows=1000", "rows=1"]
    assert harness.storage.outbox.operations == ["query"] * 2


def test_requests_are_bounded(harness: OutboxHarness, caplog: pytest.LogCaptureFixture) -> None:
    """With lanes without end, and where storage is slow."""
    thousand = [str(number) for number in range(1_000)]
    for number in range(3):
        harness.park(*thousand, lane=lane_of(str(number)))
    harness.storage.outbox.operations.clear()

    def is_slow(*_: Any) -> None:
        harness.clock.now += 8

    harness.storage.outbox.faults.append(is_slow)
    assert len(_lines(harness, caplog)) == 2
    assert harness.storage.outbox.operations == ["query"] * 2
    assert harness.storage.dead.operations == []


def test_no_more_pages_are_read_than_a_report_is_worth(
    harness: OutboxHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both tables together."""
    monkeypatch.setattr("shared.storage.partitions.PAGE", 1)
    for number in range(200):
        harness.park("a", lane=lane_of(f"{number:03}"))

    assert len(_lines(harness, caplog)) == 100


def test_rows_of_people_stop_no_report(harness: OutboxHarness, caplog: pytest.LogCaptureFixture) -> None:
    """A column that is missing or holds something else."""
    harness.park("a", "b", lane=ORDERS)
    harness.waiting[0].update(parked_at="yesterday", route=7)
    del harness.waiting[1]["parked_at"], harness.waiting[1]["reason"]

    assert _lines(harness, caplog) == ['outbox.state rows=2 told_rows=0 dead=0 route=""']


def test_report_is_written_every_five_minutes(harness: OutboxHarness) -> None:
    """The timer ticks ten times as often."""
    report = _report(harness)
    for _ in range(2 * 60):
        report.write(harness.clock() + 15)
        harness.clock.now += 30

    assert harness.log.counts["outbox.state"] == 12


def test_report_that_failed_is_written_at_the_next_tick(harness: OutboxHarness) -> None:
    """Two of them missing raise an alert."""
    report = _report(harness)

    def fail(*_: Any) -> None:
        msg = "503"
        raise StorageUnavailable(msg)

    harness.storage.dead.faults.append(fail)
    with pytest.raises(StorageUnavailable):
        report.write(harness.clock() + 15)
    harness.storage.dead.faults.clear()
    report.write(harness.clock() + 15)

    assert harness.log.counts["outbox.state"] == 1


@pytest.mark.stack
def test_dispatcher_reports_what_its_drain_has_left(
    storage_account: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Of real tables, with one request each and the owner; again after five minutes, not by live calls."""
    clock = FakeClock()
    log = EventLog()
    nowhere = "http://127.0.0.1:9"
    settings = {
        "AIRFLOW_BASE_URL": nowhere,
        "AIRFLOW_ROUTES": '[[route]]\nname = "default"\nmatch = "**"\ndag_id = "copy_file"\nowner = "bob"\n',
        "AIRFLOW_AUTH": "none",
        "AzureWebJobsStorage": storage_account,
        "LandingStorage": storage_account,
    }
    app = App(settings, log, clock.timing())
    caplog.set_level("INFO")

    app.dispatch()
    app.dispatch()
    assert _states(caplog) == [NOTHING]

    with TableServiceClient.from_connection_string(storage_account) as tables:
        outbox = tables.get_table_client("airflowoutbox")
        outbox.create_table()
        person = {"PartitionKey": DEFAULT.key, "RowKey": "!", "person_who": "ann"}
        for entity in (person, {"PartitionKey": DEFAULT.key, "RowKey": "r|1", "route": "default"}):
            outbox.create_entity(entity)
        dead = tables.create_table("airflowdead")
        for number in range(2):
            dead.create_entity({"PartitionKey": DEFAULT.key, "RowKey": str(number), "route": "default"})
    clock.now += 301
    app.dispatch()

    assert _states(caplog)[1:] == [
        'outbox.state rows=1 told_rows=1 dead=2 route="default" hold="person" owner="bob"'
    ]


def _states(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "outbox.state" in record.getMessage()]
