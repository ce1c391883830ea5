"""One drain: fair turns, the pool, the slow start, deletes, and when it ends."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.model.errors import AirflowUnclear, StorageUnavailable
from shared.model.run_request import RunRequest
from shared.storage.tables import Entity
from tests.support.fakes import lane_routes
from tests.support.harness import DEFAULT, OutboxHarness, failing, lane_of, well

POOL = "4"


def _harness(*lanes: str, pool: str = POOL) -> OutboxHarness:
    return OutboxHarness(lane_routes(*lanes) if lanes else None, AIRFLOW_MAX_CONCURRENCY=pool)


def _slow(harness: OutboxHarness, seconds: float) -> Callable[[RunRequest], None]:
    """Let each call take some time of the fake clock."""

    def answer(run: RunRequest) -> None:
        harness.clock.sleep(seconds)

    return answer


def test_everything_that_is_due_is_delivered_in_one_drain() -> None:
    """And its rows go."""
    harness = _harness()
    harness.park(*[str(number) for number in range(250)])

    assert harness.drain() == 250
    assert len(harness.airflow.runs) == 250
    assert harness.storage.outbox.rows == {}


def test_rows_are_deleted_in_transactions() -> None:
    """A hundred at a time: a row for itself would cost a request each."""
    harness = _harness()
    harness.park(*[str(number) for number in range(1_000)])
    harness.storage.outbox.operations.clear()

    harness.drain()

    operations = harness.storage.outbox.operations
    assert operations.count("delete") == 0
    assert 10 <= operations.count("transact") <= 12


def test_lanes_take_turns() -> None:
    """A lane of a thousand rows does not keep one of ten waiting."""
    harness = _harness("big", "small", pool="1")
    harness.fill("big", 1_000)
    harness.fill("small", 10)

    harness.drain()

    dags = [run.dag_id for run in harness.airflow.calls]
    assert dags[:20].count("small") == 10


def test_next_drain_goes_on_behind_the_lane_that_was_served_last() -> None:
    """Otherwise the first lane gets more than its part where drains are short."""
    harness = _harness("a", "b", "c", pool="1")
    for lane in "abc":
        harness.fill(lane, 10)
    harness.airflow.answer = _slow(harness, 10)

    for _ in range(6):
        harness.drain(5)

    assert [run.dag_id for run in harness.airflow.calls] == ["a", "b", "c", "a", "b", "c"]


def test_lane_whose_calls_hang_gets_its_share_of_the_pool() -> None:
    """The other lane goes on with the rest, although the window of the first is wide by now."""
    harness = _harness("hangs", "quick")
    harness.fill("hangs", 60)
    harness.fill("quick", 300)
    is_done = threading.Event()

    def answer(run: RunRequest) -> None:
        dags = [call.dag_id for call in harness.airflow.calls]
        if run.dag_id == "hangs" and dags.count("hangs") > 20:
            assert is_done.wait(10)
        elif dags.count("quick") == 300:
            is_done.set()

    harness.airflow.answer = answer
    harness.drain()

    assert len(harness.airflow.runs) == 360
    assert harness.airflow.most_in_flight["hangs"] == 2


def test_lane_with_nothing_due_takes_no_share() -> None:
    """A lane alone has the whole pool, whatever waits elsewhere."""
    harness = _harness("busy", "idle", "other")
    for lane in ("idle", "other"):
        harness.fill(lane, 2)
    for row in harness.storage.outbox.rows.values():
        row["not_before"] = harness.clock.time() + timedelta(minutes=4)
    harness.fill("busy", 100)
    harness.airflow.answer = lambda _: time.sleep(0.002)

    harness.drain()

    assert harness.airflow.most_in_flight["busy"] == int(POOL)


def test_each_lane_starts_with_one_call_and_doubles_with_each_success() -> None:
    """A recovering Airflow meets no stampede."""
    harness = _harness(pool="8")
    harness.park(*[str(number) for number in range(50)])
    lock = threading.Lock()
    in_flight: list[int] = []
    done: list[int] = []

    def answer(run: RunRequest) -> None:
        with lock:
            in_flight.append(harness.airflow.in_flight[run.dag_id])
            done.append(len(harness.airflow.runs))
        time.sleep(0.005)

    harness.airflow.answer = answer
    harness.drain()

    assert all(now <= 2**before for now, before in zip(in_flight, done, strict=True))
    assert max(in_flight) == 8


def test_unclear_answer_starts_the_lane_anew_with_one_call() -> None:
    """The rest of the lane waits for the next success."""
    harness = _harness(pool="8")
    harness.park(*[str(number) for number in range(40)])
    harness.airflow.answer = failing(AirflowUnclear("500"), names={"20"})

    harness.drain()

    assert len(harness.airflow.runs) == 39
    [row] = harness.waiting
    assert row["name"] == "20"


def test_time_that_is_up_ends_it_with_work_left() -> None:
    """The function must end before its time-out; the next tick goes on."""
    harness = _harness(pool="1")
    harness.park(*[str(number) for number in range(10)])
    harness.airflow.answer = _slow(harness, 10)
    started = harness.clock()

    assert harness.drain(25) == 3
    assert harness.clock() - started <= 35
    assert len(harness.waiting) == 7


def test_drain_whose_time_is_over_sends_nothing() -> None:
    """The redrive may have used it up."""
    harness = _harness()
    harness.park("a")

    assert harness.drain(0) == 0
    assert harness.airflow.calls == []


def test_lost_lease_ends_it() -> None:
    """Somebody else drains by now; what is in flight is settled."""
    harness = _harness(pool="1")
    harness.park(*[str(number) for number in range(100)])

    def answer(run: RunRequest) -> None:
        if len(harness.airflow.calls) == 5:
            harness.storage.lease.handover.lost.set()
            harness.storage.lease.is_taken = True

    harness.airflow.answer = answer
    harness.drain()

    assert len(harness.airflow.calls) <= 6
    assert len(harness.waiting) == 100 - len(harness.airflow.runs)


def test_row_that_is_written_meanwhile_is_found() -> None:
    """Also before the rows that were read, and while another lane keeps the drain busy."""
    harness = _harness("busy", "late", pool="2")
    harness.fill("busy", 30)
    harness.airflow.answer = _slow(harness, 1)

    def park_once(run: RunRequest) -> None:
        harness.clock.sleep(1)
        if len(harness.airflow.calls) == 5:
            harness.park("late/a", lane=lane_of("late"))

    harness.airflow.answer = park_once
    harness.drain()

    assert harness.sent.index("late/a") <= 9


def test_row_is_sent_once_however_often_its_lane_is_read() -> None:
    """Its delete may come later than the next look."""
    harness = _harness(pool="2")
    harness.park(*[str(number) for number in range(60)])
    harness.airflow.answer = _slow(harness, 0.7)

    harness.drain()

    assert len(harness.sent) == len(set(harness.sent)) == 60


def test_bug_in_one_delivery_leaves_its_row_and_stops_nothing() -> None:
    """It comes again with the next drain."""
    harness = _harness()
    harness.park("a", "bug", "b")

    def answer(run: RunRequest) -> None:
        if run.conf["filename"] == "bug":
            raise ZeroDivisionError

    harness.airflow.answer = answer
    harness.drain()

    assert len(harness.airflow.runs) == 2
    assert [row["name"] for row in harness.waiting] == ["bug"]
    assert harness.log.counts["drain.failed"] >= 1


def test_bug_in_a_route_leaves_its_row_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a row asks for is worked out in the thread of the drain."""
    harness = _harness("bad", "good")
    harness.park("bad/a", lane=lane_of("bad"))
    harness.park("good/a", lane=lane_of("good"))
    route = type(lane_routes("x").routes[0])
    request = route.request

    def fail(self: object, event: object, captures: object) -> RunRequest:
        made = request(self, event, captures)  # type: ignore[arg-type]
        if made.dag_id == "bad":
            raise ZeroDivisionError
        return made

    monkeypatch.setattr(route, "request", fail)
    harness.drain()

    assert harness.sent == ["good/a"]
    assert [row["name"] for row in harness.waiting] == ["bad/a"]


@pytest.mark.parametrize("operation", ["query", "transact", "merge", "upsert", "get"])
def test_storage_that_fails_in_the_middle_loses_nothing(operation: str) -> None:
    """Each run is there once, and each row goes in the end."""
    harness = _harness("a", "b", "bad")
    for lane in ("a", "b", "bad"):
        harness.fill(lane, 120)
    count = 0

    def fault(name: str, entity: Entity | None) -> None:
        nonlocal count
        if name == operation:
            count += 1
            if count % 3 == 0:
                msg = "503"
                raise StorageUnavailable(msg)

    harness.storage.outbox.faults.append(fault)
    harness.airflow.answer = failing(AirflowUnclear("500"), dags={"bad"})
    for _ in range(10):
        try:
            harness.drain()
        except StorageUnavailable:
            assert operation == "query"
        harness.clock.now += 30
    harness.airflow.answer = well
    harness.storage.outbox.faults.clear()
    harness.pass_time(700)

    assert count >= 3
    assert len(harness.airflow.runs) == 360
    assert harness.waiting == []


def test_person_who_holds_a_lane_stops_it_in_the_middle_of_a_drain() -> None:
    """Within a second; the other lanes go on."""
    harness = _harness("a", "b", pool="2")
    harness.fill("a", 60)
    harness.fill("b", 60)

    def answer(run: RunRequest) -> None:
        harness.clock.sleep(0.5)
        if len(harness.airflow.calls) == 10:
            harness.hold_by_person(lane_of("a"))

    harness.airflow.answer = answer
    harness.drain()

    dags = [run.dag_id for run in harness.airflow.calls]
    assert dags.count("b") == 60
    assert dags.count("a") < 15


def test_call_without_a_permit_waits_instead_of_spinning() -> None:
    """Live calls hold all permits, and the retry budget is 0: nobody waits for one."""
    harness = OutboxHarness(AIRFLOW_MAX_CONCURRENCY="1", AIRFLOW_RETRY_BUDGET_SECONDS="0")
    harness.park("a", "b")
    entered, leave = threading.Event(), threading.Event()

    def answer(run: RunRequest) -> None:
        if run.conf["filename"] == "live":
            entered.set()
            leave.wait(10)

    harness.airflow.answer = answer
    live = threading.Thread(target=lambda: harness.arrive("live"))
    live.start()
    assert entered.wait(10)
    try:
        harness.drain(5)
    finally:
        leave.set()
        live.join(10)

    assert harness.sent == ["live"]
    assert 10 <= len(harness.clock.slept) <= 100
    assert [row["name"] for row in harness.waiting] == ["a", "b"]
    harness.drain()
    assert harness.waiting == []
    assert harness.state(DEFAULT) is None
