"""Batches by hand: whoever dies or falls asleep at any operation, each file is in exactly one run."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from shared.model.errors import AirflowUnclear, AirflowUnreachable, StorageUnavailable
from shared.model.pending import Pending
from shared.storage import seals
from shared.storage.tables import Entity
from tests.jobs.test_batches import MINUTE, batching, lane_of, names, runs
from tests.support.clock import START
from tests.support.harness import OutboxHarness, Storage, failing, well
from tests.support.samples import blob_event
from tests.support.table import Fault, MemoryTable

BATCH = 'batch = { by = "{day}", quiet = "10m", max_files = 5 }\n'
FILES = names(8)
_MOST_MOMENTS = 200


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three files be moved at once, so that a batch has several moves."""
    monkeypatch.setattr("shared.jobs.sealer.MOST_MOVED", 3)
    assert seals.MOST_MOVED == 49  # with the seal 99 writes, of 100 that a transaction takes


def waiting_files() -> OutboxHarness:
    """Return an instance with eight files that are complete, for two runs."""
    harness = batching(BATCH)
    harness.park(*FILES, lane=lane_of())
    harness.clock.now += 700
    return harness


def beside(harness: OutboxHarness) -> OutboxHarness:
    """Return a second instance on the same storage, Airflow and clock."""
    other = batching(BATCH, storage=harness.storage, airflow=harness.airflow, clock=harness.clock)
    other.outbox = harness.outbox
    return other


def tell_again(harness: OutboxHarness) -> None:
    """Let the platform tell of every other file once more: of all, the same batch would be made again."""
    for number, name in list(enumerate(FILES))[1::2]:
        # As `park` has made them.
        event = blob_event(name=name, event_time=START + timedelta(microseconds=number + 1))
        harness.ingest.take(Pending(container="landing", name=name, event=event))


def assert_each_once(harness: OutboxHarness) -> None:
    """Assert that each file is in exactly one run, and that nothing is left."""
    assert Counter(name for run in runs(harness) for name in run) == Counter(FILES)
    assert harness.storage.outbox.rows == {}
    assert len(harness.storage.settled.rows) == len(FILES)


def moments() -> Iterator[int]:
    """Yield the number of each operation of a drain that makes both batches."""
    harness = waiting_files()
    tables = (harness.storage.outbox, harness.storage.settled)
    for table in tables:
        table.operations.clear()
    harness.drain()
    count = sum(len(table.operations) for table in tables)
    assert 20 < count < _MOST_MOMENTS
    yield from range(1, count + 1)


def at(storage: Storage, moment: int, act: Callable[[], None], *, after: bool, is_over: bool = False) -> None:
    """Act before or after the operation with this number; if all is over then, at each that follows."""
    count = 0

    def hook(_operation: str, _entity: Entity | None) -> None:
        nonlocal count
        count += 1
        if count == moment or (is_over and count > moment):
            act()

    for table in (storage.outbox, storage.settled):
        (table.after if after else table.faults).append(hook)


def repair(harness: OutboxHarness) -> None:
    """Let the storage answer again."""
    for table in (harness.storage.outbox, harness.storage.settled):
        table.faults.clear()
        table.after.clear()


def fail() -> None:
    """Let an operation fail."""
    msg = "down"
    raise StorageUnavailable(msg)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_drain_that_ends_at_any_operation(*, after: bool) -> None:
    """The operation fails, or is carried out and its reply is lost; files are told of again meanwhile."""
    for moment in moments():
        harness = waiting_files()
        at(harness.storage, moment, fail, after=after, is_over=True)
        with suppress(StorageUnavailable):
            harness.drain(1)
        repair(harness)
        tell_again(harness)
        harness.pass_time(1_500)
        assert_each_once(harness)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_drain_that_falls_asleep_at_any_operation(*, after: bool) -> None:
    """Another one makes and sends everything meanwhile, with files that are told of again."""
    for moment in moments():
        harness = waiting_files()
        other = beside(harness)

        def sleep(harness: OutboxHarness = harness, other: OutboxHarness = other) -> None:
            harness.storage.lease.is_taken = False
            other.drain()
            tell_again(harness)
            harness.clock.now += 700
            other.drain()
            tell_again(harness)

        at(harness.storage, moment, sleep, after=after)
        harness.drain()
        harness.pass_time(1_500)
        assert_each_once(harness)


def test_drain_that_falls_asleep_while_another_ends_at_any_operation() -> None:
    """The sleeper finds a seal that it does not know, at any state, and must not touch its files."""
    all_moments = list(moments())
    for asleep, dead in product(all_moments, all_moments):
        if (asleep + dead) % 11:
            continue
        harness = waiting_files()
        other = beside(harness)

        def sleep(harness: OutboxHarness = harness, other: OutboxHarness = other, dead: int = dead) -> None:
            harness.storage.lease.is_taken = False
            at(harness.storage, dead, fail, after=False, is_over=True)
            with suppress(StorageUnavailable):
                other.drain(1)
            repair(harness)

        at(harness.storage, asleep, sleep, after=False)
        with suppress(StorageUnavailable):
            harness.drain(1)
        tell_again(harness)
        harness.pass_time(1_500)
        assert_each_once(harness)


def test_drain_that_wakes_up_in_the_middle_of_the_next_part() -> None:
    """Another one has ended there: its files are sealed under an id that the sleeper does not have."""
    for moment in moments():
        harness = waiting_files()
        other = beside(harness)
        table = harness.storage.outbox

        def end_in_part_2(_operation: str, _entity: Entity | None, table: MemoryTable = table) -> None:
            keys = [row["RowKey"] for row in table.rows.values() if row.get("batch_part") != 1]
            if "!seal" in keys and any(key.startswith("s|") for key in keys):
                fail()

        def sleep(
            harness: OutboxHarness = harness, other: OutboxHarness = other, end: Fault = end_in_part_2
        ) -> None:
            harness.storage.lease.is_taken = False
            harness.storage.outbox.faults.append(end)
            with suppress(StorageUnavailable):
                other.drain(1)
            harness.storage.outbox.faults.remove(end)

        at(harness.storage, moment, sleep, after=False)
        harness.drain()
        tell_again(harness)
        harness.pass_time(1_500)
        assert_each_once(harness)


def test_batch_that_is_dropped_while_a_drain_sleeps_is_not_made_again() -> None:
    """Its row is written once, together with the seal."""
    all_dropped = 0
    for moment in moments():
        harness = waiting_files()
        other = beside(harness)
        dropped = 0

        def sleep(harness: OutboxHarness = harness, other: OutboxHarness = other) -> None:
            """Let the other one make the batches, and a person drop what waits."""
            nonlocal dropped
            if harness.airflow.calls or _batches(harness):
                return  # the sleeper may be about to send it
            harness.storage.lease.is_taken = False
            harness.airflow.answer = failing(AirflowUnreachable("down"))
            other.drain()
            for row in _batches(harness):
                del harness.storage.outbox.rows[row["PartitionKey"], row["RowKey"]]
                dropped += row["file_count"]

        at(harness.storage, moment, sleep, after=False)
        harness.drain()
        harness.airflow.answer = well
        harness.pass_time(1_500)
        assert sum(len(run) for run in runs(harness)) == len(FILES) - dropped
        all_dropped += dropped
    assert all_dropped > 0


def test_batch_whose_row_still_waits_when_its_claims_are_gone_does_not_stop_its_lane() -> None:
    """The same files have the same run id, so the same row: it is written over, and goes once."""
    harness = batching()
    harness.airflow.answer = failing(AirflowUnclear("No answer."))
    event = blob_event(name="mon/a", event_time=harness.clock.time())
    told = Pending(container="landing", name="mon/a", event=event)
    harness.ingest.take(told)
    harness.pass_time(11 * MINUTE)
    assert len(_batches(harness)) == 1
    harness.storage.settled.rows.clear()
    harness.ingest.take(told)
    harness.airflow.answer = well
    harness.clock.now += 11 * MINUTE
    sealed = 0

    def count(operation: str, _entity: Entity | None) -> None:
        nonlocal sealed
        sealed += operation == "transact"
        if sealed > 20:
            fail()

    harness.storage.outbox.faults.append(count)
    harness.drain()

    assert runs(harness) == [["mon/a"]]
    assert sealed <= 20
    harness.pass_time(MINUTE)
    assert harness.storage.outbox.rows == {}


def _batches(harness: OutboxHarness) -> list[dict[str, Any]]:
    return [row for row in harness.storage.outbox.events() if row["RowKey"].startswith("r|")]
