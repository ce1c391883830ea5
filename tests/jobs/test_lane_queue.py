"""One lane in one drain: its due rows in their order, each once."""

from datetime import datetime, timedelta

from shared.jobs.lane_queue import LaneQueue
from shared.model.errors import AirflowUnclear, CopyPending, RetryableError
from shared.model.pending import Pending
from shared.storage.outbox import Outbox
from tests.support.clock import FakeClock
from tests.support.harness import DEFAULT
from tests.support.samples import blob_event
from tests.support.table import MemoryTable


class Stage:
    """A lane in a table, and its queue."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.table = MemoryTable()
        self.outbox = Outbox(self.table, now=self.clock.time)
        self.queue = LaneQueue(DEFAULT.key)

    def park(
        self, *names: str, not_before: datetime | None = None, error: RetryableError | None = None
    ) -> None:
        """Add rows, due at `not_before`."""
        for name in names:
            self.clock.now += 0.001
            event = blob_event(name=name, event_time=self.clock.time())
            pending = Pending(container=event.container, name=name, event=event, lane=DEFAULT)
            error = error or AirflowUnclear("x")
            self.outbox.park(pending.after(error, now=self.clock.time(), not_before=not_before))

    def taken(self) -> list[str]:
        """Take every row that is due, to the end of the lane."""
        names = []
        while not self.queue.is_exhausted:
            row = self.queue.next_row(self.outbox, self.clock.time())
            if row and row.pending:
                names.append(row.pending.name)
        return names

    def later(self, seconds: float) -> datetime:
        """Return a time ahead."""
        return self.clock.time() + timedelta(seconds=seconds)


def test_rows_come_by_the_time_of_their_events_over_all_pages() -> None:
    """A hundred at a time."""
    stage = Stage()
    names = [str(number) for number in range(250)]
    stage.park(*names)

    assert stage.taken() == names
    assert stage.table.operations.count("query") == 3


def test_row_that_is_not_due_is_passed_over() -> None:
    """It waits for its own reason and holds nobody."""
    stage = Stage()
    stage.park("poisoned", not_before=stage.later(60))
    stage.park("good")

    assert stage.taken() == ["good"]


def test_row_that_was_taken_is_not_taken_again() -> None:
    """It may not be deleted yet when the lane is read once more."""
    stage = Stage()
    stage.park("a")
    assert stage.taken() == ["a"]

    stage.queue.restart(stage.clock())
    assert stage.taken() == []


def test_row_that_is_given_back_comes_first() -> None:
    """A cap let it wait; nothing was tried."""
    stage = Stage()
    stage.park("a", "b")
    row = stage.queue.next_row(stage.outbox, stage.clock.time())
    assert row is not None

    stage.queue.give_back(row)

    assert stage.taken() == ["a", "b"]


def test_restart_finds_what_was_written_since() -> None:
    """Also before the rows that were read."""
    stage = Stage()
    stage.park("a")
    stage.taken()
    stage.park("b")

    stage.queue.restart(stage.clock())

    assert stage.taken() == ["b"]


def test_lane_that_was_not_read_to_its_end_goes_on_where_it_is() -> None:
    """A restart in the middle would read the same rows again."""
    stage = Stage()
    stage.park(*[str(number) for number in range(150)])
    stage.queue.next_row(stage.outbox, stage.clock.time())
    stage.queue.restart(stage.clock())

    stage.taken()

    assert stage.table.operations.count("query") == 2


def test_one_page_is_read_in_a_turn() -> None:
    """A lane of which nothing is due holds up no other lane."""
    stage = Stage()
    stage.park(*[str(number) for number in range(2_150)], not_before=stage.later(600))

    turns = 0
    while not stage.queue.is_exhausted:
        before = len(stage.table.operations)
        assert stage.queue.next_row(stage.outbox, stage.clock.time()) is None
        assert len(stage.table.operations) == before + 1
        turns += 1

    assert turns == 1 + 3  # a hundred rows, then a thousand at a time


def test_long_lane_is_read_again_less_often() -> None:
    """A second for each thousand rows that are passed over."""
    stage = Stage()
    stage.park(*[str(number) for number in range(3_100)], not_before=stage.later(600))
    stage.queue.restart(stage.clock())
    stage.taken()
    stage.queue.restart(stage.clock())
    stage.taken()

    stage.clock.now += 2
    stage.queue.restart(stage.clock())
    assert stage.queue.is_exhausted

    stage.clock.now += 1
    stage.queue.restart(stage.clock())
    assert not stage.queue.is_exhausted


def test_end_of_a_hold_makes_rows_due_that_wait_for_an_unclear_answer() -> None:
    """They would wait for minutes after the outage; a pending copy still waits."""
    stage = Stage()
    stage.park("unclear", not_before=stage.later(200))
    stage.park("copy", not_before=stage.later(200), error=CopyPending("x"))
    assert stage.taken() == []

    stage.queue.retry_all()

    assert stage.taken() == ["unclear"]


def test_rows_that_are_retried_come_last() -> None:
    """Behind those that were never tried, however old they are."""
    stage = Stage()
    stage.park("unclear", not_before=stage.later(200))
    stage.park("a", "b")

    stage.queue.retry_all()

    assert stage.taken() == ["a", "b", "unclear"]


def test_time_far_ahead_is_a_mistake_and_due() -> None:
    """A row must not wait for ever because somebody edited it."""
    stage = Stage()
    stage.park("a", not_before=stage.later(400 * 86_400))

    assert stage.taken() == ["a"]


def test_lane_is_empty_only_if_a_whole_pass_found_nothing() -> None:
    """A state with rows that are not due stays."""
    stage = Stage()
    stage.park("a", not_before=stage.later(60))
    stage.taken()
    empty = LaneQueue("another")
    empty.next_row(stage.outbox, stage.clock.time())

    assert not stage.queue.is_empty
    assert empty.is_empty


def test_lane_without_a_use_for_the_pool_is_not_active() -> None:
    """Others get its share: exhausted, closed, or waiting for a cap."""
    stage = Stage()
    stage.park("a")
    assert stage.queue.is_active(stage.clock())

    stage.queue.wait_until = stage.clock() + 1
    assert not stage.queue.is_active(stage.clock())
    stage.queue.wait_until = 0.0
    stage.taken()
    assert not stage.queue.is_active(stage.clock())
    stage.queue.in_flight = 1
    assert stage.queue.is_active(stage.clock())
