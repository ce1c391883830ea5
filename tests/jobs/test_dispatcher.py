"""When to drain: by the timer, after an event that waits for room, and where the timer does not come."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier

import pytest

from shared.airflow.time_limit import time_limit
from shared.model.errors import AirflowUnclear, AirflowUnreachable, DagMissing, StorageUnavailable
from shared.model.hold import LaneState
from shared.model.lane import EVERYTHING, Lane
from shared.model.run_request import RunRequest
from shared.storage.drain_lease import Handover
from shared.storage.tables import Entity
from tests.support.fakes import lane_routes
from tests.support.harness import DEFAULT, OutboxHarness, failing, lane_of, well
from tests.support.table import Fault


def _fails(*operations: str) -> Fault:
    def fault(name: str, entity: Entity | None) -> None:
        if name in operations:
            msg = "503"
            raise StorageUnavailable(msg)

    return fault


def test_empty_outbox_costs_one_request_and_no_lease() -> None:
    """Every half minute, for ever."""
    harness = OutboxHarness()

    harness.drain()

    assert harness.storage.outbox.operations == ["query"]
    assert harness.storage.lease.taken == 0


def test_event_that_is_delivered_costs_no_request_to_the_outbox() -> None:
    """The happy path, but for one look a minute."""
    harness = OutboxHarness()

    harness.arrive(*[str(number) for number in range(100)])
    assert harness.storage.outbox.operations == []

    harness.clock.now += 60
    harness.arrive(*[f"later {number}" for number in range(100)])
    assert harness.storage.outbox.operations == ["query"]


def test_look_costs_one_request_a_minute() -> None:
    """However many events there are."""
    harness = OutboxHarness()

    for number in range(600):
        harness.arrive(str(number))
        harness.clock.now += 1

    assert harness.storage.outbox.operations == ["query"] * 9


def test_stopped_timer_holds_nothing_up() -> None:
    """A live instance drains what has been due for two minutes, also behind a row that is not due."""
    harness = OutboxHarness()
    harness.park("not due", "a", "b")
    harness.waiting[0]["not_before"] = harness.clock.time() + timedelta(minutes=50)

    harness.clock.now += 60
    harness.arrive("early")
    assert harness.sent == ["early"]

    harness.clock.now += 60
    harness.arrive("late")
    assert harness.sent == ["early", "late", "a", "b"]


def test_stopped_timer_ends_no_outage_later_than_the_look_does() -> None:
    """The probe is sent by a live instance, too."""
    harness = OutboxHarness()
    harness.airflow.answer = failing(AirflowUnreachable("down"))
    harness.airflow.down = AirflowUnreachable("down")
    harness.arrive("a")
    harness.airflow.answer, harness.airflow.down = well, None

    for number in range(5):
        harness.clock.now += 60
        harness.arrive(str(number))

    assert harness.waiting == []
    assert harness.state(EVERYTHING) is None


def test_held_lanes_and_not_due_rows_make_nobody_drain() -> None:
    """A look is a look."""
    harness = OutboxHarness(lane_routes("held", "waits"))
    harness.park("held/a", lane=lane_of("held"))
    harness.hold_by_person(lane_of("held"))
    harness.park("waits/a", lane=lane_of("waits"))
    harness.waiting[-1]["not_before"] = harness.clock.time() + timedelta(minutes=50)

    for number in range(10):
        harness.clock.now += 60
        harness.arrive(str(number))

    assert harness.storage.lease.taken == 0


def test_event_that_found_no_permit_is_sent_by_its_own_invocation() -> None:
    """It waits for room only."""
    harness = OutboxHarness(AIRFLOW_MAX_RUNS_PER_MINUTE="600")

    harness.arrive("a")

    assert harness.sent == ["a"]
    assert harness.waiting == []


def test_live_drain_does_not_begin_what_its_invocation_has_no_time_for() -> None:
    """A call that is cut off would look like a failure of its lane."""
    harness = OutboxHarness(AIRFLOW_MAX_RUNS_PER_MINUTE="600")

    with time_limit(59):
        harness.arrive("a")
    assert harness.sent == []
    with time_limit(100):
        harness.arrive("b")
    assert sorted(harness.sent) == ["a", "b"]


def test_live_drain_ends_after_its_time() -> None:
    """Events that come in the meantime do not keep the invocation for ever."""
    harness = OutboxHarness(AIRFLOW_MAX_RUNS_PER_MINUTE="60")
    harness.park(*[str(number) for number in range(200)])
    requested = harness.dispatcher._requested

    def answer(run: RunRequest) -> None:
        requested.set()

    harness.airflow.answer = answer
    requested.set()
    started = harness.clock()
    harness.dispatcher.after_event()

    assert harness.clock() - started <= 21
    assert len(harness.airflow.runs) == pytest.approx(20, abs=2)


def test_requests_of_others_do_not_keep_an_invocation() -> None:
    """They come faster than it can look."""
    harness = OutboxHarness()
    requested = harness.dispatcher._requested

    def request(name: str, entity: Entity | None) -> None:
        harness.clock.now += 1
        requested.set()

    harness.storage.outbox.after.append(request)
    requested.set()
    started = harness.clock()
    harness.dispatcher.after_event()

    assert harness.clock() - started <= 21


def test_one_thread_of_an_instance_drains() -> None:
    """The others go on with their own events."""
    harness = OutboxHarness(AIRFLOW_MAX_RUNS_PER_MINUTE="6000")
    harness.park("a")
    harness.dispatcher._requested.set()
    nested: list[int] = []

    def answer(run: RunRequest) -> None:
        harness.dispatcher._requested.set()
        harness.dispatcher.after_event()
        nested.append(harness.storage.lease.taken)

    harness.airflow.answer = answer
    harness.dispatcher.after_event()

    assert nested == [1]
    assert harness.waiting == []


def test_taken_lease_leaves_the_row_to_whoever_drains() -> None:
    """It was written before; the holder sees it."""
    harness = OutboxHarness(AIRFLOW_MAX_RUNS_PER_MINUTE="600")
    harness.storage.lease.is_taken = True

    harness.arrive("a")
    assert [row["name"] for row in harness.waiting] == ["a"]

    harness.storage.lease.is_taken = False
    harness.drain()
    assert harness.sent == ["a"]


def test_holder_looks_once_more_after_it_gave_the_lease_up() -> None:
    """A row of a caller that was turned away at the last moment, also behind one that is not due."""
    harness = OutboxHarness()
    harness.park("not due", "a")
    harness.waiting[0]["not_before"] = harness.clock.time() + timedelta(minutes=50)
    late = iter(["b"])

    class Lease:
        """Somebody is turned away just before it is given up."""

        @contextmanager
        def hold(self) -> Iterator[Handover | None]:
            with harness.storage.lease.hold() as handover:
                yield handover
                harness.park(*late)

    harness.dispatcher._lease = Lease()  # type: ignore[assignment]
    harness.drain()

    assert harness.sent == ["a", "b"]


def test_rows_that_cannot_be_settled_end_the_drain() -> None:
    """The tick is not spent on a bug, nor on a lane that nobody can hold."""
    harness = OutboxHarness()
    harness.park("a")

    def answer(run: RunRequest) -> None:
        raise ZeroDivisionError

    harness.airflow.answer = answer
    harness.drain()

    assert len(harness.airflow.calls) <= 3


@pytest.mark.parametrize("operation", ["query", "insert"])
def test_storage_that_fails_after_the_event_fails_no_invocation(operation: str) -> None:
    """The event is settled; a second delivery would help nobody."""
    harness = OutboxHarness()
    harness.park("a")
    harness.storage.outbox.faults.append(_fails(operation))
    harness.clock.now += 120

    harness.dispatcher.after_event()

    assert harness.log.counts.get("drain.storage_failed", 0) == (operation == "query")


def test_bug_in_a_drain_fails_no_invocation() -> None:
    """It is logged by its type."""
    harness = OutboxHarness()
    harness.dispatcher._requested.set()
    harness.park("a")

    def drain(handover: Handover, end: float) -> int:
        raise ZeroDivisionError

    harness.dispatcher._drain_once = drain

    harness.dispatcher.after_event()

    assert harness.log.counts["drain.failed"] == 1


def test_timer_fails_where_the_outbox_cannot_be_read() -> None:
    """The platform shows it, and the next tick tries again."""
    harness = OutboxHarness()
    harness.storage.outbox.faults.append(_fails("query"))

    with pytest.raises(StorageUnavailable):
        harness.drain()


def test_two_dispatchers_at_once_deliver_each_row_once() -> None:
    """Two drains cost requests, never a run: here both believe that they have the lease."""
    first = OutboxHarness()
    second = OutboxHarness(storage=first.storage, airflow=first.airflow, clock=first.clock)
    first.park(*[str(number) for number in range(200)])
    barrier = Barrier(2)

    class Lease:
        """Everybody has it."""

        @contextmanager
        def hold(self) -> Iterator[Handover | None]:
            yield Handover()

    for harness in (first, second):
        harness.dispatcher._lease = Lease()  # type: ignore[assignment]

    def drain(harness: OutboxHarness) -> None:
        barrier.wait(5)
        harness.drain()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(drain, [first, second]))

    assert len(first.airflow.runs) == 200
    assert first.waiting == []
    assert first.dead == []


def test_instance_learns_of_a_hold_of_another_one() -> None:
    """Within a minute, and of its end."""
    first = OutboxHarness()
    second = OutboxHarness(storage=first.storage, airflow=first.airflow, clock=first.clock)
    first.airflow.answer = failing(DagMissing("x"))
    first.arrive("a")
    second.clock.now += 60
    second.dispatcher.after_event()
    calls = len(second.airflow.calls)

    second.arrive("b", "c")
    assert len(second.airflow.calls) == calls

    second.airflow.answer = well
    second.pass_time(120)
    second.arrive("d")
    assert second.sent[-1] == "d"
    assert second.waiting == []


def test_failure_of_one_event_alone_makes_nobody_drain() -> None:
    """It waits for its own time; the timer takes it then."""
    harness = OutboxHarness()
    harness.airflow.answer = failing(AirflowUnclear("500"))

    harness.arrive("a")

    assert harness.storage.lease.taken == 0
    assert harness.state(DEFAULT) is None


def _late(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "outbox.late" in record.getMessage()]


def test_live_call_says_that_a_row_is_late(caplog: pytest.LogCaptureFixture) -> None:
    """Once a minute, by its oldest: a timer that has stopped, or a drain that is too slow, cannot say so."""
    harness = OutboxHarness(lane_routes("old", "new"))
    harness.storage.lease.is_taken = True
    harness.park("a", lane=lane_of("old"))
    harness.clock.now += 120
    harness.park("b", lane=lane_of("new"))

    for _ in range(10):
        harness.arrive("x", "y")
        harness.clock.now += 60

    assert _late(caplog) == [f'outbox.late oldest_seconds={seconds} route="old"' for seconds in (600, 660)]


def test_row_is_not_late_that_waits_for_a_time_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """Nor one that cannot be read: it is set aside by the next drain."""
    harness = OutboxHarness()
    harness.storage.lease.is_taken = True
    harness.park("a", "b")
    harness.waiting[0]["not_before"] = harness.clock.time() + timedelta(minutes=50)
    harness.waiting[1]["history"] = "garbage"

    harness.clock.now += 2_000
    harness.arrive("x")

    assert _late(caplog) == []


@pytest.mark.parametrize("lane", [DEFAULT, EVERYTHING])
def test_row_is_not_late_whose_hold_is_probed_in_time(lane: Lane, caplog: pytest.LogCaptureFixture) -> None:
    """It could not have been sent since it was written, but only since the hold is due."""
    harness = OutboxHarness()
    harness.storage.lease.is_taken = True
    harness.park("a")
    harness.clock.now += 3_600
    harness.outbox.hold(lane, DagMissing("x") if lane == DEFAULT else AirflowUnreachable("x"))

    harness.clock.now += 300
    harness.arrive("x")
    assert _late(caplog) == []

    harness.clock.now += 400
    harness.arrive("x")
    assert _late(caplog) == ['outbox.late oldest_seconds=670 route="default"']


def test_row_is_not_late_while_its_lane_rests_before_a_move(caplog: pytest.LogCaptureFixture) -> None:
    """For ten minutes."""
    harness = OutboxHarness()
    harness.storage.lease.is_taken = True
    harness.park("a")
    harness.clock.now += 3_600
    harness.outbox.write_state(LaneState(lane=DEFAULT, moving_since=harness.clock.time()))

    harness.clock.now += 120
    harness.arrive("x")

    assert _late(caplog) == []
