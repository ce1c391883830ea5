"""The outbox, in memory and in Azurite: an event is one row until it is settled, whoever writes meanwhile."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.model.errors import AirflowUnclear, DagMissing, RunRefused, StorageUnavailable
from shared.model.lane import EVERYTHING, NEW, Lane
from shared.model.pending import Pending, Target
from shared.storage.outbox import Outbox
from shared.storage.tables import Table, Written
from tests.storage.conftest import before, lose_reply
from tests.storage.row_samples import LANE
from tests.storage.waiting import by_name, names, only, pending, read, waiting
from tests.support.clock import START, FakeClock
from tests.support.samples import blob_event

HERE = Target(dag_id="copy_file", airflow="https://a")
THERE = Target(dag_id="copy_file", airflow="https://b")


def test_event_waits_with_everything_that_is_known(outbox: Outbox) -> None:
    """What is read is what was parked, and since when it waits."""
    parked = pending(api="PutBlob").after(AirflowUnclear("reset"), now=START, sent_to=HERE, not_before=START)

    outbox.park(parked)

    assert read(only(outbox)) == replace(parked, parked_at=START)


def test_same_version_parked_twice_is_one_row(outbox: Outbox, clock: FakeClock) -> None:
    """The words are the newer ones; when it was parked, its history and when it is due stay."""
    outbox.park(pending().after(DagMissing("first"), now=START, not_before=START))
    clock.sleep(600)
    outbox.park(pending().after(AirflowUnclear("second"), now=clock.time(), sent_to=HERE))

    row = read(only(outbox))
    assert (row.reason, row.message) == ("airflow_unclear", "second")
    assert (row.parked_at, row.not_before) == (START, START)
    assert set(row.history) == {"dag_missing"}
    assert row.sent_to == {HERE}


def test_target_is_never_taken_away(outbox: Outbox) -> None:
    """Neither by another source that knows nothing of it, nor by a failure that sent nothing."""
    outbox.park(pending().after(AirflowUnclear("x"), now=START, sent_to=HERE))
    outbox.park(pending())
    outbox.park(pending().after(AirflowUnclear("x"), now=START, sent_to=THERE))
    row = only(outbox)
    outbox.defer(row, replace(read(row), sent_to=frozenset()).after(DagMissing("x"), now=START))

    assert read(only(outbox)).sent_to == {HERE, THERE}


def test_event_that_is_parked_while_its_row_is_deleted_is_written_anew(outbox: Outbox, table: Table) -> None:
    """Another drain has just delivered the row: the event may have come again since, so it is kept."""
    outbox.park(pending())
    row = only(outbox)
    before(table, "merge", lambda: outbox.delete([row]))

    outbox.park(pending().after(AirflowUnclear("again"), now=START))

    again = read(only(outbox))
    assert again.event == row.pending.event  # type: ignore[union-attr]
    assert again.message == "again"


def test_row_that_others_make_and_delete_without_end_is_an_error(outbox: Outbox, table: Table) -> None:
    """The invocation fails and the event comes again, rather than never ending."""

    def delete() -> None:
        outbox.delete(waiting(outbox, LANE.key))

    outbox.park(pending())
    before(table, "insert", lambda: table.upsert({"PartitionKey": LANE.key, "RowKey": key}), times=9)
    before(table, "merge", delete, times=9)
    key = only(outbox).key

    with pytest.raises(StorageUnavailable, match="without end"):
        outbox.park(pending())


@pytest.mark.parametrize("event", [pending(), by_name()])
@pytest.mark.parametrize("lost", [1, 2])
def test_reply_that_is_lost_makes_no_second_row(
    table: Table, clock: FakeClock, event: Pending, lost: int
) -> None:
    """The write is tried again under the same key, for an event by name, too."""

    def retry(write: Any) -> None:
        for _ in range(lost):
            with pytest.raises(StorageUnavailable):
                write()
            clock.sleep(5)
        write()

    lose_reply(table, "insert", times=1)
    lose_reply(table, "merge", times=lost - 1)
    outbox = Outbox(table, now=clock.time, retry=retry)

    outbox.park(event)

    assert read(only(outbox, event.lane)) == replace(event, parked_at=START)


def test_rows_wait_in_the_order_of_their_events(outbox: Outbox) -> None:
    """Whatever the order in which they were parked; page by page."""
    for seconds in (3, 1, 5, 2, 4):
        outbox.park(pending(f"{seconds}", seconds=seconds))
    outbox.write_state(_held(outbox))

    first = outbox.rows(LANE.key, most=2)

    assert names(first) == ["1", "2"]
    assert names(outbox.rows(LANE.key, after=first[-1].key, most=2)) == ["3", "4"]
    assert names(outbox.rows(LANE.key, after=first[-1].key, most=9)) == ["3", "4", "5"]


def test_lane_with_rows_is_told_from_one_without(outbox: Outbox) -> None:
    """A state is no row."""
    outbox.hold(LANE, DagMissing("x"))
    assert not outbox.has_rows(LANE.key)

    outbox.park(pending())
    assert outbox.has_rows(LANE.key)


def test_scan_gives_the_head_of_each_lane(outbox: Outbox, table: Table) -> None:
    """Its state where it has one, else its oldest event; one request for each lane, and one more."""
    other = Lane(route_id="billing", dag_id="d")
    for seconds in (2, 1, 3):
        outbox.park(pending(f"{seconds}", seconds=seconds))
        outbox.park(pending(f"{seconds}", seconds=seconds, lane=other))
    outbox.hold(LANE, DagMissing("x"))
    requests: list[int] = []
    before(table, "query", lambda: requests.append(1), times=99)

    heads = list(outbox.lanes())

    assert [head.partition for head in heads] == [other.key, LANE.key]
    assert heads[0].row is not None
    assert read(heads[0].row).name == "1"
    assert heads[0].state is None
    assert heads[1].state is not None
    assert heads[1].row is None
    assert len(requests) == 3


def test_failure_of_a_row_is_noted_by_etag(outbox: Outbox) -> None:
    """A drain that fell asleep does not overwrite what another one knows."""
    outbox.park(pending())
    old = only(outbox)

    assert (
        outbox.defer(old, read(old).after(AirflowUnclear("one"), now=START, not_before=START)) is Written.DONE
    )
    assert outbox.defer(old, read(old).after(AirflowUnclear("two"), now=START)) is Written.CHANGED

    row = read(only(outbox))
    assert (row.message, row.not_before) == ("one", START)
    assert row.history["airflow_unclear"].count == 1


def test_row_is_due_at_once_again_where_its_failure_says_so(outbox: Outbox) -> None:
    """A merge cannot take a column away, so it says a time in the past; which is read as none."""
    outbox.park(pending().after(AirflowUnclear("x"), now=START, not_before=START + timedelta(hours=1)))
    row = only(outbox)

    outbox.defer(row, read(row).after(DagMissing("y"), now=START))

    assert read(only(outbox)).not_before is None


def test_failure_of_a_row_that_is_gone_leaves_no_torso(outbox: Outbox) -> None:
    """Another drain has delivered it."""
    outbox.park(pending())
    row = only(outbox)
    outbox.delete([row])

    assert outbox.defer(row, read(row).after(AirflowUnclear("x"), now=START)) is Written.GONE
    assert waiting(outbox, LANE.key) == []


def test_delivered_rows_are_deleted_but_those_that_changed(outbox: Outbox) -> None:
    """A row that was merged while it was posted stays, and is posted once more."""
    for number in range(5):
        outbox.park(pending(f"{number}", seconds=number))
    rows = waiting(outbox, LANE.key)
    outbox.park(pending("1", seconds=1).after(AirflowUnclear("news"), now=START, sent_to=THERE))
    outbox.delete([rows[3]])

    outbox.delete(rows)

    assert names(waiting(outbox, LANE.key)) == ["1"]


def test_row_that_is_named_twice_is_deleted_once(outbox: Outbox) -> None:
    """Azure refuses the whole transaction otherwise: a hundred rows would stay."""
    outbox.park(pending("1"))
    outbox.park(pending("2"))
    rows = waiting(outbox, LANE.key)

    outbox.delete([*rows, *rows])

    assert waiting(outbox, LANE.key) == []


def test_version_without_a_route_is_deferred_in_its_place(outbox: Outbox) -> None:
    """Its key is its version's: a second delivery of the event finds it."""
    outbox.park(pending(lane=NEW, run_id=None))
    row = only(outbox, NEW)
    due = START + timedelta(minutes=5)

    outbox.defer(row, read(row).after(AirflowUnclear("x"), now=START, not_before=due))

    again = only(outbox, NEW)
    assert again.key == row.key
    assert read(again).not_before == due


def test_moved_row_is_written_before_it_is_deleted(outbox: Outbox, table: Table, clock: FakeClock) -> None:
    """A crash in between leaves two rows of one run id, never none."""
    outbox.park(pending().after(AirflowUnclear("x"), now=START, sent_to=HERE))
    row = only(outbox)
    clock.sleep(60)
    target = Lane(route_id="orders", dag_id="other")
    seen: list[list[str]] = []
    before(table, "delete_all", lambda: seen.append(names(waiting(outbox, target.key))))

    outbox.move(row, replace(read(row), lane=target, sent_to=frozenset()))

    assert seen == [["a.csv"]]
    assert waiting(outbox, LANE.key) == []
    assert read(only(outbox, target)).parked_at == START
    assert read(only(outbox, target)).sent_to == frozenset()


@pytest.mark.parametrize("year", [1, 1600, 9999])
def test_event_of_any_time_can_wait(outbox: Outbox, year: int) -> None:
    """.NET writes the year 1 where it knows no time, which no column of Azure Tables can hold."""
    event = blob_event(event_time=datetime(year, 1, 1, tzinfo=START.tzinfo))

    outbox.park(pending(event=event))

    assert read(only(outbox)).event == event


def test_words_that_no_column_takes_are_kept_as_far_as_they_go(outbox: Outbox) -> None:
    """A server may answer anything; the event must not get lost because of it."""
    outbox.park(pending().after(RunRefused("half \ud83d of a pair " + "😀" * 40_000), now=START))

    message = read(only(outbox)).message
    assert message.startswith("half ? of a pair 😀")
    assert len(message) == 16_000


def _held(outbox: Outbox) -> Any:
    return outbox.hold(LANE, DagMissing("x"))


def test_rows_are_counted_by_lane_and_altogether(outbox: Outbox) -> None:
    """States are no rows."""
    outbox.park(pending("a"))
    outbox.park(pending("b"))
    outbox.park(replace(pending("c"), lane=Lane(route_id="other", dag_id="d")))
    outbox.hold(LANE, DagMissing("x"))

    assert (outbox.count(LANE), outbox.count(EVERYTHING)) == (2, 3)
