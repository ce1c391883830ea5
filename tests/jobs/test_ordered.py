"""Ordered routes: of what waits when a run is chosen the oldest comes first, confirmed before the next."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.model.errors import (
    AirflowUnclear,
    AirflowUnreachable,
    DagMissing,
    RunRefused,
    StorageUnavailable,
)
from shared.model.lane import Lane, LaneKind
from shared.model.run_request import RunRequest
from shared.routes.table import RouteTable
from shared.storage.tables import Entity
from tests.support.fakes import routes
from tests.support.harness import OutboxHarness, failing, well

ROUTE = '[[route]]\nname = "r"\nmatch = "landing/{customer}/{file}"\ndag_id = "d"\n'
ORDERED = routes(ROUTE + "ordered = true\n")
BY_CUSTOMER = routes(ROUTE + 'ordered = "{customer}"\n')
NAMES = [f"acme/{number:03}.csv" for number in range(20)]


def lane_of(group: str = "") -> Lane:
    """Return the lane of the route, or of one customer."""
    return Lane(route_id="r", dag_id="d", group=group, kind=LaneKind.ORDERED)


def created(harness: OutboxHarness) -> list[str]:
    """Return the names of the blobs in the order in which their runs were created."""
    return [str(run.conf["filename"]) for run in harness.airflow.runs.values()]


@pytest.fixture
def harness() -> Iterator[OutboxHarness]:
    """Return an instance whose one route is ordered, and hold it to one run at a time."""
    harness = OutboxHarness(ORDERED)
    yield harness
    assert set(harness.airflow.most_in_flight.values()) <= {1}


def test_live_event_of_an_ordered_route_is_sent_by_the_drain_in_the_same_call(harness: OutboxHarness) -> None:
    """Within the invocation, as under a cap; nothing is left behind."""
    harness.arrive("acme/1.csv")

    assert created(harness) == ["acme/1.csv"]
    assert harness.waiting == []
    assert harness.log.counts["run.waiting"] == 1


def test_runs_are_created_oldest_first(harness: OutboxHarness) -> None:
    """By the time of their events, whatever order they were written in."""
    old = harness.clock.time() - timedelta(hours=1)
    harness.park(*NAMES[10:], lane=lane_of())
    harness.park(*NAMES[:10], lane=lane_of(), event_time=old)

    harness.drain()

    assert sorted(created(harness)[:10]) == NAMES[:10]
    assert created(harness)[10:] == NAMES[10:]
    assert harness.waiting == []


@pytest.mark.parametrize("error", [AirflowUnclear("reset"), AirflowUnreachable("down"), DagMissing("no")])
def test_run_that_fails_stops_those_behind_it(harness: OutboxHarness, error: AirflowUnclear) -> None:
    """An unclear answer, an outage or a missing DAG: the same run again, until it is settled."""
    harness.park(*NAMES, lane=lane_of())
    harness.airflow.answer = failing(error, names={NAMES[5]})

    harness.pass_time(600)
    assert created(harness) == NAMES[:5]

    harness.airflow.answer = well
    harness.pass_time(900)
    assert created(harness) == NAMES
    assert harness.waiting == []
    assert harness.state(lane_of()) is None


def test_lane_that_one_run_stops_is_on_hold_and_says_why(harness: OutboxHarness) -> None:
    """Its trouble is the trouble of all behind it, so that somebody looks."""
    harness.park(*NAMES, lane=lane_of())
    harness.airflow.answer = failing(AirflowUnclear("504 of a gateway"), names={NAMES[0]})

    harness.drain()

    state = harness.state(lane_of())
    assert state
    assert state.hold
    assert state.hold.reason == "airflow_unclear"
    assert any(name.startswith("sent_") for name in harness.waiting[0])


def test_run_that_is_refused_for_good_lets_the_next_go(harness: OutboxHarness) -> None:
    """It is a dead letter; a replay comes whenever a person sends it."""
    harness.park(*NAMES, lane=lane_of())
    harness.airflow.answer = failing(RunRefused("bad conf"), names={NAMES[0]})

    harness.drain()

    assert created(harness) == NAMES[1:]
    assert [letter["name"] for letter in harness.dead] == NAMES[:1]


def test_row_that_no_route_asks_for_any_more_stops_nobody(harness: OutboxHarness) -> None:
    """It has no run whose turn it could be; it waits for its route as any other."""
    harness.park("no-folder.csv", *NAMES[:3], lane=lane_of())

    harness.pass_time(120)

    assert created(harness) == NAMES[:3]
    assert [(row["name"], row["reason"]) for row in harness.waiting] == [("no-folder.csv", "route_missing")]


def test_next_run_waits_until_the_row_before_it_is_deleted(harness: OutboxHarness) -> None:
    """Otherwise two drains could be at different runs; a row that stays is posted once more."""
    harness.park(*NAMES[:3], lane=lane_of())
    is_down = True

    def fail(operation: str, _entity: Entity | None) -> None:
        if is_down and operation == "transact":
            msg = "down"
            raise StorageUnavailable(msg)

    harness.storage.outbox.faults.append(fail)
    harness.drain()
    assert created(harness) == NAMES[:1]

    is_down = False
    harness.pass_time(60)
    assert created(harness) == NAMES[:3]
    assert harness.waiting == []


def test_drain_that_falls_asleep_in_a_post_breaks_no_order(harness: OutboxHarness) -> None:
    """Another one settles everything meanwhile; the sleeper's run is there already."""
    other = OutboxHarness(ORDERED, storage=harness.storage, airflow=harness.airflow, clock=harness.clock)
    harness.park(*NAMES, lane=lane_of())
    slept = False

    def sleep(run: RunRequest) -> None:
        nonlocal slept
        if not slept and run.conf["filename"] == NAMES[3]:
            slept = True
            harness.airflow.in_flight.clear()
            harness.storage.lease.is_taken = False
            other.drain()

    harness.airflow.answer = sleep
    harness.drain()

    assert slept
    assert created(harness) == NAMES
    assert harness.waiting == []
    harness.airflow.most_in_flight.clear()


def test_file_that_comes_while_a_run_is_sent_is_chosen_by_its_time(harness: OutboxHarness) -> None:
    """The first row is read afresh each time, not from a page of before."""
    old = harness.clock.time() - timedelta(hours=1)
    harness.park(*NAMES[1:4], lane=lane_of())
    is_sent = threading.Event()

    def arrive(run: RunRequest) -> None:
        if run.conf["filename"] == NAMES[2]:
            harness.park(NAMES[0], lane=lane_of(), event_time=old)
            is_sent.wait(0.2)  # a second run in flight would be sent now
        elif run.conf["filename"] == NAMES[0]:
            is_sent.set()

    harness.airflow.answer = arrive
    harness.drain()

    assert created(harness) == [NAMES[1], NAMES[2], NAMES[0], NAMES[3]]


def test_cap_and_order_hold_together() -> None:
    """One in ten seconds, oldest first."""
    harness = OutboxHarness(routes(ROUTE + "ordered = true\nmax_runs_per_minute = 6\n"))
    harness.park(*NAMES[:10], lane=lane_of())

    harness.drain(seconds=45)

    assert NAMES[:4] <= created(harness) <= NAMES[:6]


def test_each_key_has_an_order_of_its_own() -> None:
    """One customer's trouble stops no other customer."""
    harness = OutboxHarness(BY_CUSTOMER)
    harness.airflow.answer = failing(AirflowUnclear("x"), names={"acme/1"})

    for name in ("acme/1", "beta/1", "acme/2", "beta/2"):
        harness.arrive(name)

    harness.pass_time(60)
    assert created(harness) == ["beta/1", "beta/2"]
    assert {row["PartitionKey"] for row in harness.waiting} == {lane_of("acme").key}
    harness.airflow.answer = well
    harness.pass_time(600)
    assert created(harness) == ["beta/1", "beta/2", "acme/1", "acme/2"]


@pytest.mark.parametrize("table", [routes(ROUTE), BY_CUSTOMER], ids=["not ordered", "another key"])
def test_rows_of_a_route_whose_order_was_changed_are_sent_where_they_are(table: RouteTable) -> None:
    """In their order still; new files go by the new order."""
    harness = OutboxHarness(ORDERED)
    harness.park(*NAMES[:3], lane=lane_of())

    harness.change_routes(table)
    harness.drain()

    assert created(harness) == NAMES[:3]
    assert harness.waiting == []


def test_rows_of_an_ordered_lane_move_to_the_new_dag_of_their_route() -> None:
    """After the rest of ten minutes, in their order."""
    harness = OutboxHarness(ORDERED)
    harness.park(*NAMES[:3], lane=lane_of())

    harness.change_routes(routes(ROUTE.replace('"d"', '"e"') + "ordered = true\n"))
    harness.pass_time(900)

    assert created(harness) == NAMES[:3]
    assert {dag_id for dag_id, _ in harness.airflow.runs} == {"e"}
    assert harness.storage.outbox.rows == {}
