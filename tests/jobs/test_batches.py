"""Routes with `batch`: when the files are complete, what their run has, and what becomes of late ones."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.jobs.outbox_report import OutboxReport
from shared.model.conf import encode_conf, encoded_size
from shared.model.errors import DagMissing, RunRefused
from shared.model.lane import Lane, LaneKind
from shared.model.pending import Pending
from tests.support.fakes import routes
from tests.support.harness import OutboxHarness, failing, well
from tests.support.samples import blob_event

ROUTE = '[[route]]\nname = "r"\nmatch = "landing/{day}/{file}"\ndag_id = "d"\n'
BATCH = 'batch = { by = "{day}", quiet = "10m", at_most = "2h" }\n'
MINUTE = 60.0


def lane_of(day: str = "mon", dag_id: str = "d") -> Lane:
    """Return the lane of one day's files."""
    return Lane(route_id="r", dag_id=dag_id, group=f"day={day}", kind=LaneKind.BATCH)


def files_of(run: Any) -> list[str]:
    """Return the names of the files of a run."""
    return [str(each["filename"]) for each in run.conf["files"]]


def runs(harness: OutboxHarness) -> list[list[str]]:
    """Return the files of each run, sorted, in the order in which the runs were created."""
    return [sorted(files_of(run)) for run in harness.airflow.runs.values()]


def parts(harness: OutboxHarness) -> list[Any]:
    """Return the confs of all runs, in the order of their parts."""
    confs: list[Any] = [run.conf for run in harness.airflow.runs.values()]
    return sorted(confs, key=lambda conf: conf["batch_part"])


def batching(batch: str = BATCH, **more: Any) -> OutboxHarness:
    """Return an instance whose one route is batched."""
    return OutboxHarness(routes(ROUTE + batch), **more)


@pytest.fixture
def harness() -> Iterator[OutboxHarness]:
    """Return an instance whose one route is batched; no file may be in two runs, nor in none at the end."""
    harness = batching()
    yield harness
    assert max(Counter(name for run in runs(harness) for name in run).values(), default=1) == 1


def names(count: int, day: str = "mon") -> list[str]:
    """Return so many names of one day."""
    return [f"{day}/{number:05}.csv" for number in range(count)]


def test_files_of_a_key_have_one_run_when_none_came_for_a_while(harness: OutboxHarness) -> None:
    """Not before; and nothing of it is left behind, the lane's state included."""
    harness.arrive(*names(3))
    harness.pass_time(9 * MINUTE)
    harness.arrive("mon/last.csv")
    harness.pass_time(9 * MINUTE)
    assert runs(harness) == []
    assert {row["reason"] for row in harness.waiting} == {"batch_open"}

    harness.pass_time(2 * MINUTE)

    assert runs(harness) == [[*names(3), "mon/last.csv"]]
    harness.pass_time(MINUTE)
    assert harness.storage.outbox.rows == {}


def test_file_that_is_told_of_again_is_there_once_and_delays_nothing(harness: OutboxHarness) -> None:
    """Its row is not touched: the time of the last file stays."""
    event = blob_event(name="mon/a", event_time=harness.clock.time())
    for _ in range(3):
        harness.ingest.take(Pending(container="landing", name="mon/a", event=event))
        harness.clock.now += 4 * MINUTE

    harness.drain()

    assert runs(harness) == [["mon/a"]]


def test_file_that_two_sources_tell_of_is_in_its_batch_once() -> None:
    """Event Grid has the event's own time, a list of blobs `Last-Modified`: two rows, but one version."""
    harness = batching()
    event = blob_event(name="mon/a", event_time=harness.clock.time())
    for earlier in (timedelta(0), timedelta(milliseconds=300)):
        told = replace(event, event_time=event.event_time - earlier)
        harness.ingest.take(Pending(container="landing", name="mon/a", event=told))
    assert len(harness.waiting) == 2

    harness.pass_time(11 * MINUTE)

    assert runs(harness) == [["mon/a"]]
    harness.pass_time(MINUTE)
    assert harness.storage.outbox.rows == {}


def test_files_that_never_stop_coming_have_a_run_after_at_most(harness: OutboxHarness) -> None:
    """Two hours after the first, whatever comes."""
    for number in range(30):
        harness.arrive(f"mon/{number:05}.csv")
        harness.pass_time(5 * MINUTE)

    assert len(runs(harness)) == 1
    assert 24 <= len(runs(harness)[0]) <= 25


def test_count_starts_the_run_at_once() -> None:
    """Within the call of the last file, as soon as so many are there; the rest waits for others."""
    harness = batching('batch = { by = "{day}", count = 20 }\n')

    harness.arrive(*names(19))
    assert runs(harness) == []
    harness.arrive("mon/z.csv")
    assert runs(harness) == [[*names(19), "mon/z.csv"]]

    harness.park(*names(45, "tue"), lane=lane_of("tue"))
    harness.drain()
    assert [len(run) for run in runs(harness)] == [20, 40]
    assert len(harness.waiting) == 5


def test_each_key_has_a_batch_of_its_own(harness: OutboxHarness) -> None:
    """In two lanes; a file in another folder is no file of the route."""
    harness.arrive("mon/1", "tue/1", "mon/2", "tue/2")

    harness.pass_time(11 * MINUTE)

    assert sorted(runs(harness)) == [["mon/1", "mon/2"], ["tue/1", "tue/2"]]


def test_route_without_a_key_has_one_batch() -> None:
    """All of its files."""
    harness = batching("batch = {}\n")
    harness.arrive("mon/1", "tue/1")

    harness.pass_time(11 * MINUTE)

    assert runs(harness) == [["mon/1", "tue/1"]]


def test_late_file_opens_the_next_batch_of_its_key(harness: OutboxHarness) -> None:
    """It is in no run that was started already, and has its own time to wait."""
    harness.arrive("mon/1", "mon/2")
    harness.pass_time(11 * MINUTE)
    harness.arrive("mon/3")
    harness.pass_time(9 * MINUTE)
    assert runs(harness) == [["mon/1", "mon/2"]]

    harness.pass_time(2 * MINUTE)

    assert runs(harness) == [["mon/1", "mon/2"], ["mon/3"]]
    assert [run.conf["batch_part"] for run in harness.airflow.runs.values()] == [1, 1]


def test_file_of_a_batch_that_is_told_of_later_is_in_no_other(harness: OutboxHarness) -> None:
    """The claim knows it, also when its route makes batches by something else now."""
    harness.arrive("mon/1", "mon/2")
    harness.pass_time(11 * MINUTE)
    event = harness.storage.reader.blobs["mon/1"]

    harness.ingest.take(Pending(container="landing", name="mon/1", event=event))
    harness.pass_time(11 * MINUTE)
    harness.change_routes(routes(ROUTE + "batch = {}\n"))
    harness.ingest.take(Pending(container="landing", name="mon/1", event=event))
    harness.pass_time(11 * MINUTE)

    assert runs(harness) == [["mon/1", "mon/2"]]
    assert harness.storage.outbox.rows == {}


def test_conf_of_a_batch_has_its_key_its_times_and_its_files() -> None:
    """And what the route adds of its key; no fact of a single file."""
    harness = batching(BATCH + 'conf = { label = "day {day}" }\n')
    start = harness.clock.time()
    harness.arrive("mon/b", size=1)
    harness.clock.now += 60
    end = harness.clock.time()
    harness.arrive("mon/a", size=2, etag="0x2")
    harness.pass_time(11 * MINUTE)

    [run] = harness.airflow.runs.values()
    assert run.conf == {
        "route": "r",
        "container": "landing",
        "label": "day mon",
        "file_count": 2,
        "first_event_time": start,
        "last_event_time": end,
        "batch_key": {"day": "mon"},
        "batch_part": 1,
        "files": [
            {"filename": "mon/b", "size": 1, "etag": blob_event().etag},
            {"filename": "mon/a", "size": 2, "etag": "0x2"},
        ],
    }
    assert run.run_id.startswith("blob__batch~day_mon__")
    assert "2 files" in run.note


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (200, [200]), (1_000, [1_000]), (1_001, [1_000, 1])])
def test_batch_has_as_many_runs_as_its_files_need(count: int, sizes: list[int]) -> None:
    """All files, each once, in the order of their events; the parts are counted."""
    harness = batching(BATCH, CONF_MAX_BYTES="262144")
    harness.park(*names(count), lane=lane_of())

    harness.pass_time(11 * MINUTE)

    confs = parts(harness)
    assert [len(conf["files"]) for conf in confs] == sizes
    assert [each["filename"] for conf in confs for each in conf["files"]] == names(count)
    assert [conf["batch_part"] for conf in confs] == list(range(1, len(sizes) + 1))


def test_files_become_parts_that_fit_into_conf() -> None:
    """As many as the conf may have bytes, however many the route would take."""
    harness = batching('batch = { by = "{day}", max_files = 20_000 }\n', CONF_MAX_BYTES="65536")
    harness.park(*names(4_000), lane=lane_of())

    harness.pass_time(12 * MINUTE)

    confs = parts(harness)
    sizes = [len(encode_conf(conf, max_bytes=65_536)["files"]) for conf in confs]  # type: ignore[arg-type]
    assert sum(sizes) == 4_000
    assert [each["filename"] for conf in confs for each in conf["files"]] == names(4_000)
    assert len(set(sizes[:-1])) == 1
    assert encoded_size(confs[0]) > 60_000


def test_file_that_no_conf_can_have_is_a_dead_letter() -> None:
    """It is sealed alone, and the reason names the limit; the others go."""
    harness = batching(CONF_MAX_BYTES="2048")
    long = f"mon/{'x' * 1_000}"
    harness.arrive("mon/1", long, "mon/zz")

    harness.pass_time(11 * MINUTE)

    assert [len(run) for run in runs(harness)] == [1, 1, 1]


def test_batch_of_a_missing_dag_waits_as_one_row_and_goes_when_it_is_there(harness: OutboxHarness) -> None:
    """The lane is on hold, and files are gathered when it is over."""
    harness.airflow.answer = failing(DagMissing("no d"), dags={"d"})
    harness.arrive("mon/1", "mon/2")
    harness.pass_time(11 * MINUTE)
    assert harness.hold(lane_of()).reason == "dag_missing"
    [row] = harness.waiting
    assert (row["file_count"], row["batch_part"]) == (2, 1)

    harness.arrive("mon/3")
    harness.airflow.answer = well
    harness.pass_time(20 * MINUTE)

    assert runs(harness) == [["mon/1", "mon/2"], ["mon/3"]]


def test_batch_that_is_refused_is_one_dead_letter_with_all_of_its_files(harness: OutboxHarness) -> None:
    """Its conf is kept but for the files, which the letter has anyway."""
    harness.airflow.answer = failing(RunRefused("params"), dags={"d"})
    harness.arrive(*names(30))

    harness.pass_time(11 * MINUTE)

    [letter] = harness.dead
    assert letter["file_count"] == 30
    assert "00029.csv" in letter["batch"]
    assert '"file_count": 30' in letter["conf"]
    assert "00029.csv" not in letter["conf"]
    assert harness.waiting == []


def test_next_look_keeps_an_idle_drain_from_reading_the_files() -> None:
    """Twenty ticks cost as many requests as without any file."""
    harness = batching()
    harness.park(*names(2_500), lane=lane_of())
    harness.drain()
    harness.storage.outbox.operations.clear()

    for _ in range(10):
        harness.clock.now += 30
        harness.drain()

    assert harness.storage.outbox.operations.count("query") <= 10 * 8
    state = harness.state(lane_of())
    assert state
    assert state.next_look


def test_batch_goes_while_the_files_of_the_next_wait(harness: OutboxHarness) -> None:
    """The time of the next look keeps no row back that is due."""
    harness.airflow.answer = failing(DagMissing("no d"), dags={"d"})
    harness.arrive("mon/1")
    harness.pass_time(11 * MINUTE)
    harness.arrive("mon/2")
    harness.pass_time(MINUTE)
    harness.airflow.answer = well
    harness.pass_time(3 * MINUTE)

    assert runs(harness) == [["mon/1"]]
    state = harness.state(lane_of())
    assert state
    assert state.is_early(harness.clock.time())
    harness.pass_time(8 * MINUTE)
    assert runs(harness) == [["mon/1"], ["mon/2"]]


def test_files_of_a_route_that_batches_no_more_are_complete_at_once(harness: OutboxHarness) -> None:
    """They have one run; new files have a run each."""
    harness.arrive("mon/1", "mon/2")
    harness.drain()
    harness.change_routes(routes(ROUTE))

    harness.drain()
    harness.arrive("mon/3")

    confs = [run.conf for run in harness.airflow.runs.values()]
    assert [each["filename"] for each in confs[0]["files"]] == ["mon/1", "mon/2"]  # type: ignore[attr-defined]
    assert confs[1]["filename"] == "mon/3"
    harness.airflow.runs.clear()


def test_batch_moves_to_the_new_dag_of_its_route(harness: OutboxHarness) -> None:
    """With the same run id, after the rest of ten minutes; its files stay together."""
    harness.airflow.answer = failing(DagMissing("no d"), dags={"d"})
    harness.arrive("mon/1", "mon/2")
    harness.pass_time(11 * MINUTE)
    [run_id] = {row["run_id"] for row in harness.waiting}

    harness.change_routes(routes(ROUTE.replace('"d"', '"e"') + BATCH))
    harness.pass_time(15 * MINUTE)

    assert list(harness.airflow.runs) == [("e", run_id)]
    assert runs(harness) == [["mon/1", "mon/2"]]
    assert harness.storage.outbox.rows == {}


def test_files_of_a_route_that_is_off_wait_and_go_when_it_is_on() -> None:
    """Nothing of them expires; they are told to wait."""
    harness = batching("enabled = false\n" + BATCH)
    harness.arrive("mon/1", "mon/2")
    harness.pass_time(20 * MINUTE)
    assert runs(harness) == []
    assert len(harness.waiting) == 1

    harness.change_routes(routes(ROUTE + BATCH))
    harness.drain()

    assert runs(harness) == [["mon/1", "mon/2"]]


def test_batch_of_a_paused_dag_is_dropped_as_a_whole() -> None:
    """Its claims say which run it would have been."""
    harness = batching('when_paused = "drop"\n' + BATCH)
    harness.airflow.paused.add("d")
    harness.arrive("mon/1", "mon/2")

    harness.pass_time(11 * MINUTE)

    assert runs(harness) == []
    assert harness.storage.outbox.rows == {}
    assert harness.log.counts["run.dropped"] == 1
    assert [row["reason"] for row in harness.storage.settled.rows.values()] == ["batch", "batch"]


def test_person_s_hold_keeps_the_files_of_a_lane(harness: OutboxHarness) -> None:
    """No batch is made of them meanwhile."""
    harness.arrive("mon/1", "mon/2")
    harness.hold_by_person(lane_of())
    harness.pass_time(20 * MINUTE)
    assert len(harness.waiting) == 2
    assert runs(harness) == []

    harness.outbox.release(lane_of().key)
    harness.drain()

    assert runs(harness) == [["mon/1", "mon/2"]]


def test_file_that_cannot_be_read_is_set_aside_and_the_others_go(harness: OutboxHarness) -> None:
    """One row that a person has broken stops no batch."""
    harness.park("mon/1", "mon/2", "mon/3", "mon/4", lane=lane_of())
    for row in harness.waiting[::2]:
        harness.storage.outbox.merge({**{key: row[key] for key in ("PartitionKey", "RowKey")}, "event": "no"})

    harness.pass_time(11 * MINUTE)

    assert runs(harness) == [["mon/2", "mon/4"]]
    assert len(harness.dead) == 2
    assert harness.waiting == []


def test_event_by_name_is_gathered_when_it_is_looked_at() -> None:
    """What waited without a route goes into the batch of its route."""
    harness = batching()
    harness.storage.reader.blobs["mon/1"] = blob_event(name="mon/1")
    harness.outbox.park(Pending(container="landing", name="mon/1"))
    harness.drain()
    assert [row["RowKey"][:2] for row in harness.waiting] == ["w|"]

    harness.pass_time(11 * MINUTE)

    assert runs(harness) == [["mon/1"]]


@pytest.mark.parametrize("reason", ["no_event", "backfill", "sent_by_hand", "replayed"])
def test_file_waits_for_its_batch_whoever_tells_of_it(
    harness: OutboxHarness, caplog: pytest.LogCaptureFixture, reason: str
) -> None:
    """It was told to wait, so that no alert takes it for one that is late."""
    caplog.set_level("INFO")
    event = blob_event(name="mon/1", event_time=harness.clock.time())
    harness.outbox.park(
        Pending(container="landing", name="mon/1", event=event, lane=lane_of(), reason=reason)
    )
    harness.clock.now += 9 * MINUTE
    caplog.clear()
    OutboxReport(
        outbox=harness.outbox, dead_letters=harness.dead_letters, log=harness.log, timing=harness.timing
    ).write(harness.clock() + 15)

    assert "told_rows=1 told_oldest_seconds=540" in caplog.text
    assert " oldest_seconds" not in caplog.text


def test_open_batch_makes_nobody_drain_and_is_not_late(caplog: pytest.LogCaptureFixture) -> None:
    """A live call looks once a minute: its files were told to wait."""
    harness = batching('batch = { quiet = "7d", at_most = "7d" }\n', timing={"look_seconds": 60})
    harness.arrive("mon/1")
    harness.drain()
    harness.clock.now += 3_600
    harness.storage.lease.taken = 0

    harness.dispatcher.after_event()

    assert harness.storage.lease.taken == 0
    assert "outbox.late" not in caplog.text


def test_batch_that_nobody_has_sealed_is_late(caplog: pytest.LogCaptureFixture) -> None:
    """The timer has stopped: a live call says so, and drains."""
    harness = batching(BATCH, timing={"look_seconds": 60})
    harness.park(*names(2), lane=lane_of())
    harness.drain()
    harness.clock.now += 3_600

    harness.dispatcher.after_event()

    assert "outbox.late" in caplog.text
    assert len(runs(harness)) == 1


def test_batch_whose_first_file_is_a_pending_copy_by_now_keeps_its_files(harness: OutboxHarness) -> None:
    """Its route takes no unfinished copies any more: the row waits as it is, not by the name of one file."""
    loose = OutboxHarness(
        routes(ROUTE + BATCH + "complete = { pending_copy = false }\n"),
        storage=harness.storage,
        airflow=harness.airflow,
        clock=harness.clock,
    )
    harness.airflow.answer = failing(DagMissing("no d"), dags={"d"})
    loose.arrive("mon/1", "mon/2", copy_status="pending")
    loose.pass_time(11 * MINUTE)
    [row] = harness.waiting
    assert row["file_count"] == 2
    harness.airflow.answer = well

    harness.pass_time(20 * MINUTE)

    [row] = harness.waiting
    assert (row["file_count"], row["reason"]) == (2, "copy_pending")
    loose.pass_time(20 * MINUTE)
    assert runs(harness) == [["mon/1", "mon/2"]]


def test_file_that_is_overwritten_while_its_batch_is_open_is_in_it_twice(harness: OutboxHarness) -> None:
    """Each version is a file of its own, with its own ETag."""
    harness.arrive("mon/1", etag="0x1")
    harness.arrive("mon/1", etag="0x2")
    harness.pass_time(11 * MINUTE)

    [run] = harness.airflow.runs.values()
    files: Any = run.conf["files"]
    assert {(each["filename"], each["etag"]) for each in files} == {("mon/1", "0x1"), ("mon/1", "0x2")}
    harness.airflow.runs.clear()


def test_thousand_files_cost_few_requests() -> None:
    """Beside the row of each, which its own call writes."""
    harness = batching(CONF_MAX_BYTES="262144")
    harness.park(*names(1_000), lane=lane_of())
    harness.clock.now += 11 * MINUTE
    tables = (harness.storage.outbox, harness.storage.settled)
    for table in tables:
        table.operations.clear()

    harness.drain()

    assert [len(run) for run in runs(harness)] == [1_000]
    count = sum(len(table.operations) for table in tables)
    assert count < 120


def test_file_that_ran_before_its_route_made_batches_is_in_one_if_it_is_told_of_again() -> None:
    """Nothing but its own run knows of it; see docs/guarantees.md."""
    harness = OutboxHarness(routes(ROUTE))
    harness.arrive("mon/1")
    harness.change_routes(routes(ROUTE + BATCH))

    event = harness.storage.reader.blobs["mon/1"]
    harness.ingest.take(Pending(container="landing", name="mon/1", event=event))
    harness.pass_time(11 * MINUTE)

    single, batch = harness.airflow.runs.values()
    assert single.conf["filename"] == "mon/1"
    assert files_of(batch) == ["mon/1"]
