"""Holds: one bad destination harms no other, and ends with the first success."""

import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from shared.model.errors import (
    AirflowNotFound,
    AirflowUnclear,
    BlobToDagError,
    CredentialsRefused,
    DagBroken,
    DagMissing,
    Forbidden,
    NotAirflow,
    RetryableError,
    StorageUnavailable,
)
from shared.model.hold import Hold, LaneState
from shared.model.lane import EVERYTHING, NEW
from shared.model.pending import Pending
from shared.model.run_request import RunRequest
from tests.support.fakes import routes
from tests.support.harness import DEFAULT, OutboxHarness, failing, lane_of, two_lanes, well
from tests.support.samples import blob_event

HOLDING = '[[route]]\nname = "default"\nmatch = "**"\ndag_id = "copy_file"\nwhen_paused = "hold"\n'


def _calls(harness: OutboxHarness) -> Counter[str]:
    return Counter(run.dag_id for run in harness.airflow.calls)


def _park_many(harness: OutboxHarness) -> None:
    harness.park(*[f"{number:06}" for number in range(1_000)])


@pytest.mark.parametrize(
    "error", [DagMissing("no such DAG"), Forbidden("no role"), DagBroken("import error")]
)
def test_lane_whose_dag_takes_no_runs_costs_one_call_and_delays_no_other(error: RetryableError) -> None:
    """Its rows stay as they are."""
    harness = two_lanes()
    harness.fill("bad", 300)
    harness.fill("good", 300)
    harness.airflow.answer = failing(error, dags={"bad"})

    harness.drain()

    assert _calls(harness) == {"bad": 1, "good": 300}
    assert len(harness.waiting) == 300
    assert {row["history"] for row in harness.waiting} == {"{}"}


def test_paused_dag_whose_route_holds_runs_is_asked_about_once_a_probe() -> None:
    """Not once for each row."""
    harness = OutboxHarness(routes(HOLDING))
    harness.park(*[str(number) for number in range(100)])
    harness.airflow.paused = {"copy_file"}

    harness.drain()
    assert harness.airflow.questions["is_paused"] == 1
    assert harness.hold().reason == "dag_paused"

    harness.airflow.paused = set()
    harness.pass_time(60)
    assert len(harness.airflow.runs) == 100


def test_hold_is_visible_with_its_reason_and_its_next_probe() -> None:
    """In the lane's state."""
    harness = OutboxHarness()
    harness.park("a")
    harness.airflow.answer = failing(DagMissing("no such DAG"))
    since = harness.clock.time()

    harness.drain()

    hold = harness.hold()
    assert (hold.reason, hold.message, hold.since) == ("dag_missing", "no such DAG", since)
    assert hold.next_probe == since + timedelta(seconds=30)
    harness.pass_time(120)
    assert harness.hold().since == since


def test_probes_become_rarer_from_half_a_minute_to_five_minutes() -> None:
    """One call each, whatever the number of rows."""
    harness = OutboxHarness()
    _park_many(harness)
    harness.airflow.answer = failing(DagMissing("x"))
    probes: list[float] = []
    for _ in range(120):
        before = len(harness.airflow.calls)
        harness.drain()
        probes += [harness.clock()] * (len(harness.airflow.calls) - before)
        harness.clock.now += 30

    pauses = [after - before for before, after in pairwise(probes)]
    assert pauses[:9] == [30, 30, 30, 30, 30, 30, 60, 120, 240]
    assert set(pauses[9:]) == {300}


def test_tick_costs_a_few_requests_whatever_waits_in_a_held_lane() -> None:
    """1,000,000 rows of one missing DAG are one page and one call for each probe."""
    harness = OutboxHarness()
    _park_many(harness)
    harness.airflow.answer = failing(DagMissing("x"))
    harness.drain()
    harness.storage.outbox.operations.clear()
    harness.airflow.calls.clear()

    for _ in range(10):
        harness.clock.now += 30
        harness.drain()

    assert len(harness.airflow.calls) <= 10
    assert len(harness.storage.outbox.operations) <= 10 * 10


def test_first_success_ends_the_hold_and_everything_flows() -> None:
    """With the slow start, in the same drain."""
    harness = OutboxHarness()
    _park_many(harness)
    harness.airflow.answer = failing(DagMissing("x"))
    harness.drain()

    harness.airflow.answer = well
    harness.clock.now += 30
    harness.drain()

    assert len(harness.airflow.runs) == 1_000
    assert harness.storage.outbox.rows == {}


def test_lane_that_always_answers_500_is_held_after_three_different_rows() -> None:
    """One may be the event's own trouble; three in a row are the lane's."""
    harness = two_lanes()
    harness.fill("bad", 100)
    harness.fill("good", 100)
    harness.airflow.answer = failing(AirflowUnclear("500"), dags={"bad"})

    harness.drain()

    tried = {name for name in harness.sent if name.startswith("bad")}
    assert tried == {"bad/000000", "bad/000001", "bad/000002"}
    assert harness.hold(lane_of("bad")).reason == "airflow_unclear"
    assert _calls(harness)["good"] == 100
    assert harness.state(EVERYTHING) is None


def test_rows_that_put_their_lane_on_hold_wait_an_hour_or_until_it_ends() -> None:
    """The next probes take other rows, so a few poisoned names do not pin the lane; the end makes all due."""
    harness = OutboxHarness()
    _park_many(harness)
    harness.airflow.answer = failing(AirflowUnclear("500"))
    harness.drain()

    waits = [row["not_before"] - harness.clock.time() for row in harness.waiting if "not_before" in row]
    assert len(waits) == 3
    assert {round(wait.total_seconds(), -1) for wait in waits} == {3_600}

    harness.airflow.answer = well
    harness.pass_time(60)
    assert harness.waiting == []


def test_lane_is_not_held_while_a_call_of_it_may_still_succeed() -> None:
    """The hold would be over as soon as it began."""
    harness = OutboxHarness(AIRFLOW_MAX_CONCURRENCY="4")
    harness.park(*[f"{number:03}" for number in range(40)])
    together = threading.Barrier(4)

    def answer(run: RunRequest) -> None:
        name = str(run.conf["filename"])
        if name in {"009", "010", "011", "012"}:
            together.wait(timeout=10)
        if name in {"010", "011", "012"}:
            msg = "a page"
            raise NotAirflow(msg)
        if name == "009":
            time.sleep(0.1)  # until the failures are settled

    harness.airflow.answer = answer
    harness.drain()

    assert harness.log.counts["hold.started"] == 0
    assert len(harness.airflow.runs) == 37


def test_probe_of_a_lane_of_500s_takes_two_rows() -> None:
    """One call each: a poisoned name does not prolong the hold by itself."""
    harness = OutboxHarness()
    _park_many(harness)
    harness.airflow.answer = failing(AirflowUnclear("500"))
    harness.drain()
    harness.airflow.calls.clear()

    harness.clock.now += 30
    harness.drain()

    assert len(harness.sent) == len(set(harness.sent)) == 2


@pytest.mark.parametrize("error", [AirflowUnclear("500"), AirflowNotFound("404"), CredentialsRefused("403")])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_poisoned_names_wait_by_themselves_and_their_lane_flows(error: BlobToDagError, count: int) -> None:
    """Airflow chokes on them, or a gateway refuses them: also where they are the oldest."""
    harness = OutboxHarness()
    harness.park(*[f"{number:03}" for number in range(100)])
    poisoned = {f"{number:03}" for number in range(count)}
    harness.airflow.answer = failing(error, names=poisoned)

    harness.pass_time(330)

    assert len(harness.airflow.runs) == 100 - count
    assert {row["name"] for row in harness.waiting} == poisoned
    assert harness.state(EVERYTHING) is None
    assert {row["reason"] for row in harness.waiting} == {error.code}


def test_thousand_poisoned_names_delay_a_good_one_of_their_lane_by_a_tick() -> None:
    """They hold their lane again and again, but what has not failed yet comes first."""
    harness = OutboxHarness()
    poisoned = [f"{number:04}" for number in range(1_000)]
    harness.airflow.answer = failing(NotAirflow("a page"), names=set(poisoned))
    harness.arrive(*poisoned)
    harness.clock.now += 30
    harness.drain()
    assert harness.state() is not None

    for number in range(5):
        harness.arrive(f"good {number}")
        harness.clock.now += 30
        harness.drain()
        assert len(harness.airflow.runs) == number + 1


def test_poisoned_name_at_the_head_of_a_held_lane_does_not_pin_it() -> None:
    """The probe takes the next row, too; if that succeeds, the first waits by itself."""
    harness = OutboxHarness()
    harness.park("poisoned", "a", "b")
    harness.airflow.answer = failing(AirflowUnclear("500"))
    harness.drain()
    assert harness.hold()

    harness.airflow.answer = failing(AirflowUnclear("500"), names={"poisoned"})
    harness.pass_time(120)

    assert len(harness.airflow.runs) == 2
    [row] = harness.waiting
    assert row["name"] == "poisoned"


def test_probe_of_a_lane_that_went_well_before_is_one_call() -> None:
    """The window of its successes does not count any more."""
    harness = OutboxHarness()
    _park_many(harness)
    harness.drain()
    harness.park(*[f"later {number}" for number in range(20)])
    harness.outbox.hold(DEFAULT, DagMissing("x"))
    harness.airflow.calls.clear()

    def answer(run: RunRequest) -> None:
        time.sleep(0.01)
        msg = "no such DAG"
        raise DagMissing(msg)

    harness.airflow.answer = answer
    harness.clock.now += 30
    harness.drain()

    assert len(harness.airflow.calls) == 1


def test_first_blob_that_can_be_looked_at_ends_the_hold_of_new_events() -> None:
    """As a delivery does for other lanes."""
    harness = OutboxHarness()
    for number in range(20):
        harness.storage.reader.blobs[str(number)] = blob_event(name=str(number))
        harness.outbox.park(Pending(container="landing", name=str(number)))
    harness.storage.reader.error = StorageUnavailable("down")
    harness.drain()
    assert harness.hold(NEW).reason == "storage_unavailable"

    harness.storage.reader.error = None
    harness.clock.now += 30
    harness.drain()

    assert len(harness.airflow.runs) == 20
    assert harness.log.counts["hold.ended"] == 1


def test_lane_in_doubt_begins_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """New events are looked at several at once: three that fail end it, and what is under way."""
    harness = OutboxHarness(AIRFLOW_MAX_CONCURRENCY="4")
    for number in range(30):
        harness.outbox.park(Pending(container="landing", name=str(number)))
    looks: list[str] = []

    def read(_container: str, name: str, **_: object) -> None:
        looks.append(name)
        time.sleep(0.02 * len(looks))
        msg = "down"
        raise StorageUnavailable(msg)

    monkeypatch.setattr(harness.storage.reader, "read", read)
    harness.drain()

    assert len(looks) <= 3 + 4


def test_names_that_cannot_be_looked_at_do_not_pin_those_that_can() -> None:
    """Events that no route has been asked about yet are a lane like any other."""
    harness = OutboxHarness()
    for name in ("x1", "x2", "x3", "x4"):
        harness.outbox.park(Pending(container="landing", name=name))
        harness.clock.now += 1
    for number in range(50):
        harness.arrive(f"good{number}")
        harness.outbox.park(Pending(container="landing", name=f"good{number}"))
    read = harness.storage.reader.read

    def fail(container: str, name: str) -> object:
        if name.startswith("x"):
            msg = "400"
            raise StorageUnavailable(msg)
        return read(container, name)

    harness.storage.reader.read = fail  # type: ignore[method-assign, assignment]
    harness.pass_time(600)

    assert {row["name"] for row in harness.waiting} == {"x1", "x2", "x3", "x4"}


@pytest.mark.parametrize("is_person", [True, False])
def test_state_without_rows_is_dropped_unless_it_is_a_persons(is_person: bool) -> None:  # noqa: FBT001
    """The last row may have been delivered by nobody: a person dropped it."""
    harness = OutboxHarness()
    if is_person:
        harness.hold_by_person(DEFAULT)
    else:
        harness.outbox.hold(DEFAULT, DagMissing("x"))

    harness.pass_time(120)

    assert (harness.state() is not None) == is_person


@pytest.mark.parametrize("next_probe", [timedelta(days=4_000), timedelta(days=-4_000)])
def test_probe_time_that_makes_no_sense_is_due(next_probe: timedelta) -> None:
    """A lane must not wait for ever because somebody edited its state."""
    harness = OutboxHarness()
    harness.park("a")
    now: datetime = harness.clock.time()
    hold = Hold(
        reason="x", message="", since=now, next_probe=now + next_probe, interval=timedelta(seconds=30)
    )
    harness.outbox.write_state(LaneState(lane=DEFAULT, hold=hold))

    harness.drain()

    assert harness.sent == ["a"]
