"""Routes with `requires`: whoever comes last starts the run, exactly once, and what never comes is seen."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from shared.model.errors import AirflowUnreachable, DagMissing, StorageUnavailable
from shared.model.lane import Lane, LaneKind
from shared.model.pending import Pending
from shared.storage.tables import Entity
from tests.support.fakes import routes
from tests.support.harness import OutboxHarness, Storage, failing, well
from tests.support.samples import blob_event

ROUTE = """[[route]]
name = "r"
match = "landing/{file}.csv"
dag_id = "d"
requires = ["landing/{file}.csv.done"]
requires_within = "6h"
"""
LANE = Lane(route_id="r", dag_id="", kind=LaneKind.COMPANIONS)
RUNS = Lane(route_id="r", dag_id="d")
HOUR = 3_600.0


@pytest.fixture
def harness() -> Iterator[OutboxHarness]:
    """Return an instance whose one route requires a `.done`; no file may have two runs."""
    harness = OutboxHarness(routes(ROUTE))
    yield harness
    names = [run.conf["filename"] for run in harness.airflow.runs.values()]
    assert len(names) == len(set(names))


def land(harness: OutboxHarness, name: str) -> None:
    """Let a file land; its event comes later, or never."""
    moment = harness.clock.time()
    harness.storage.reader.blobs[name] = blob_event(name=name, event_time=moment, last_modified=moment)


def tell(harness: OutboxHarness, name: str) -> None:
    """Let the event of a file come that has landed."""
    event = harness.storage.reader.blobs[name]
    harness.ingest.take(Pending(container=event.container, name=name, event=event))
    harness.dispatcher.after_event()


def arrive(harness: OutboxHarness, *names: str) -> None:
    """Let files land, a second apart, each with its event."""
    for name in names:
        harness.clock.now += 1
        land(harness, name)
        tell(harness, name)


def runs(harness: OutboxHarness) -> list[str]:
    """Return the files whose runs were created."""
    return [str(run.conf["filename"]) for run in harness.airflow.runs.values()]


def test_companion_that_comes_last_starts_the_run(harness: OutboxHarness) -> None:
    """The file waits in a lane of its own, and goes within the companion's call."""
    arrive(harness, "a.csv")
    assert runs(harness) == []
    assert [(row["PartitionKey"], row["reason"]) for row in harness.waiting] == [
        (LANE.key, "awaits_companion")
    ]

    arrive(harness, "a.csv.done")

    assert runs(harness) == ["a.csv"]
    assert harness.waiting == []


def test_file_that_comes_last_starts_its_run_without_waiting(harness: OutboxHarness) -> None:
    """The companion landed a moment before its file was told of; the outbox is not touched."""
    land(harness, "a.csv")
    harness.clock.now += 1
    arrive(harness, "a.csv.done")
    assert runs(harness) == []

    tell(harness, "a.csv")

    assert runs(harness) == ["a.csv"]
    assert "insert" not in harness.storage.outbox.operations


def test_facts_of_the_companions_are_in_conf(harness: OutboxHarness) -> None:
    """Whether the file waited or not."""
    arrive(harness, "a.csv", "a.csv.done")
    land(harness, "b.csv")
    land(harness, "b.csv.done")
    tell(harness, "b.csv")

    for run in harness.airflow.runs.values():
        companions: Any = run.conf["companions"]
        blob = harness.storage.reader.blobs[f"{run.conf['filename']}.done"]
        assert companions == [
            {
                "container": "landing",
                "filename": blob.name,
                "size": blob.size,
                "etag": blob.etag,
                "url": blob.url,
                "last_modified": blob.last_modified,
            }
        ]
    assert len(harness.airflow.runs) == 2


def test_companion_that_is_older_than_its_file_does_not_count(harness: OutboxHarness) -> None:
    """Yesterday's `.done` says nothing of today's file."""
    land(harness, "a.csv.done")
    harness.clock.now += 24 * HOUR

    arrive(harness, "a.csv")
    assert runs(harness) == []

    arrive(harness, "a.csv.done")
    assert runs(harness) == ["a.csv"]


def test_companion_of_the_same_second_counts(harness: OutboxHarness) -> None:
    """Storage tells seconds; in queue mode the event of the file knows more."""
    land(harness, "a.csv")
    harness.storage.reader.blobs["a.csv"] = blob_event(
        name="a.csv", event_time=harness.clock.time() + timedelta(microseconds=999_999)
    )
    land(harness, "a.csv.done")

    tell(harness, "a.csv")

    assert runs(harness) == ["a.csv"]


def test_run_starts_when_all_companions_are_there() -> None:
    """In whatever order they come."""
    harness = OutboxHarness(
        routes(ROUTE.replace('.done"]', '.done", "landing/{file}.md5"]').replace("6h", "10m"))
    )

    arrive(harness, "a.md5", "b.csv", "b.md5", "a.csv")
    assert runs(harness) == []
    arrive(harness, "b.csv.done", "a.csv.done")
    assert runs(harness) == ["b.csv"]
    arrive(harness, "a.md5")
    assert runs(harness) == ["b.csv", "a.csv"]


def test_companion_that_lands_while_its_file_is_kept_is_not_missed(harness: OutboxHarness) -> None:
    """Its event finds no row yet; so the file's event looks once more after it has written the row."""

    def meanwhile(operation: str, entity: Entity | None) -> None:
        if operation == "insert" and entity and entity["PartitionKey"] == LANE.key:
            harness.storage.outbox.faults.remove(meanwhile)
            land(harness, "a.csv.done")
            tell(harness, "a.csv.done")

    harness.storage.outbox.faults.append(meanwhile)
    arrive(harness, "a.csv")

    assert runs(harness) == ["a.csv"]
    assert harness.waiting == []


def test_companion_that_never_comes_makes_a_dead_letter_at_the_deadline(harness: OutboxHarness) -> None:
    """After six hours, not before; and a late companion starts the run all the same."""
    arrive(harness, "a.csv")

    harness.pass_time(6 * HOUR - 600, tick=300)
    assert harness.dead == []
    harness.pass_time(1_200, tick=300)
    assert [(letter["reason"], letter["name"]) for letter in harness.dead] == [("companion_missing", "a.csv")]
    assert harness.storage.outbox.events() == []

    arrive(harness, "a.csv.done")
    assert runs(harness) == ["a.csv"]
    assert harness.dead == []


def test_companion_whose_event_was_lost_is_found_at_the_deadline(harness: OutboxHarness) -> None:
    """The row looks once more before it dies."""
    arrive(harness, "a.csv")
    harness.clock.now += 60
    land(harness, "a.csv.done")

    harness.pass_time(6 * HOUR + 600, tick=300)

    assert runs(harness) == ["a.csv"]
    assert harness.dead == []
    assert harness.waiting == []


def test_companion_that_comes_while_the_letter_is_written_starts_the_run(harness: OutboxHarness) -> None:
    """Its event saw the row and no letter: the drain looks once more after the letter."""
    arrive(harness, "a.csv")

    def meanwhile(operation: str, _entity: Entity | None) -> None:
        if operation == "insert":
            harness.storage.dead.faults.clear()
            land(harness, "a.csv.done")
            tell(harness, "a.csv.done")

    harness.storage.dead.faults.append(meanwhile)
    harness.pass_time(6 * HOUR + 600, tick=300)

    assert runs(harness) == ["a.csv"]
    assert harness.dead == []
    assert harness.waiting == []


def test_nothing_has_to_pass_over_what_waits(harness: OutboxHarness) -> None:
    """The lane says when to look at it: until then a tick reads its state alone."""
    for number in range(50):
        arrive(harness, f"{number}.csv")
    before = len(harness.storage.outbox.operations)

    harness.pass_time(HOUR, tick=60)

    assert len(harness.storage.outbox.operations) - before < 7 * 60
    state = harness.state(LANE)
    assert state
    assert state.next_look
    assert timedelta(hours=4) < state.next_look - harness.clock.time() < timedelta(hours=6)


def test_lane_is_looked_at_again_when_the_next_row_has_waited_long_enough(harness: OutboxHarness) -> None:
    """Not at every tick from the first deadline on; and its state goes with the last row."""
    arrive(harness, "a.csv")
    harness.clock.now += 3 * HOUR
    arrive(harness, "b.csv")

    harness.pass_time(3 * HOUR + 600, tick=300)
    assert [letter["name"] for letter in harness.dead] == ["a.csv"]
    state = harness.state(LANE)
    assert state
    assert state.next_look
    assert state.next_look > harness.clock.time() + timedelta(hours=2)

    harness.pass_time(3 * HOUR, tick=300)
    assert [letter["name"] for letter in harness.dead] == ["a.csv", "b.csv"]
    assert harness.storage.outbox.rows == {}


def test_row_whose_state_was_deleted_is_looked_at_in_time(harness: OutboxHarness) -> None:
    """A person may delete the row `!`: the next look is found anew."""
    arrive(harness, "a.csv")
    harness.pass_time(HOUR, tick=300)
    del harness.storage.outbox.rows[LANE.key, "!"]
    harness.storage.outbox._etags.pop((LANE.key, "!"))

    harness.pass_time(5 * HOUR + 600, tick=300)

    assert [letter["reason"] for letter in harness.dead] == ["companion_missing"]


@pytest.mark.parametrize("error", [DagMissing("no"), AirflowUnreachable("down")])
def test_run_that_cannot_be_sent_waits_as_any_other(harness: OutboxHarness, error: DagMissing) -> None:
    """In the lane of its DAG, with what is known of the companion."""
    harness.airflow.answer = failing(error)
    arrive(harness, "a.csv", "a.csv.done")
    assert {row["PartitionKey"] for row in harness.waiting} == {RUNS.key}

    harness.airflow.answer = well
    harness.pass_time(600)

    assert runs(harness) == ["a.csv"]
    assert all(len(run.conf["companions"]) == 1 for run in harness.airflow.runs.values())  # type: ignore[arg-type]


def test_each_version_of_a_file_waits_for_itself(harness: OutboxHarness) -> None:
    """A file that is written again before its companion: both versions were observed, both run."""
    for etag in ("one", "two"):
        harness.clock.now += 1
        land(harness, "a.csv")
        event = blob_event(name="a.csv", etag=etag, event_time=harness.clock.time())
        harness.ingest.take(Pending(container="landing", name="a.csv", event=event))
    harness.clock.now += 1
    land(harness, "a.csv.done")
    tell(harness, "a.csv.done")

    assert sorted(str(run.conf["etag"]) for run in harness.airflow.runs.values()) == ["one", "two"]
    assert harness.waiting == []
    harness.airflow.runs.clear()  # two versions of one name


@pytest.mark.parametrize(
    "toml",
    [
        ROUTE.replace("requires", "#"),
        ROUTE.replace('dag_id = "d"', 'dag_id = "e"'),
        ROUTE.replace("6h", "10s"),
    ],
    ids=["no companion any more", "another DAG", "a shorter time"],
)
def test_route_that_is_edited_while_files_wait_loses_none(harness: OutboxHarness, toml: str) -> None:
    """They go by the route as it is when they are looked at."""
    arrive(harness, "a.csv", "b.csv")

    harness.change_routes(routes(toml))
    arrive(harness, "b.csv.done")
    harness.pass_time(6 * HOUR + 600, tick=300)

    started, dead = set(runs(harness)), {letter["name"] for letter in harness.dead}
    assert started | dead == {"a.csv", "b.csv"}
    assert "b.csv" in started
    assert {dag_id for dag_id, _ in harness.airflow.runs} <= {"d" if '"d"' in toml else "e"}
    assert harness.waiting == []


def test_look_that_fails_keeps_the_event(harness: OutboxHarness) -> None:
    """Nothing is sent without the companion, and nothing is lost."""
    land(harness, "a.csv")
    land(harness, "a.csv.done")
    harness.storage.reader.error = StorageUnavailable("down")
    tell(harness, "a.csv")
    assert runs(harness) == []

    harness.storage.reader.error = None
    harness.pass_time(120)

    assert runs(harness) == ["a.csv"]


def test_event_that_comes_twice_makes_one_run(harness: OutboxHarness) -> None:
    """Of the file, of the companion, before and after."""
    arrive(harness, "a.csv")
    tell(harness, "a.csv")
    arrive(harness, "a.csv.done")
    tell(harness, "a.csv.done")
    tell(harness, "a.csv")

    assert runs(harness) == ["a.csv"]
    assert harness.waiting == []


def test_companion_is_no_blob_that_nobody_wants(harness: OutboxHarness) -> None:
    """It is not logged as skipped."""
    arrive(harness, "a.csv.done", "other.txt")

    assert harness.log.counts["blob.skipped"] == 1


def test_two_instances_are_told_at_once(harness: OutboxHarness) -> None:
    """One of the file, one of the companion, each interrupted by the other at every step: one run."""
    for step in range(12):
        storage = Storage()
        first = OutboxHarness(routes(ROUTE), storage=storage)
        second = OutboxHarness(routes(ROUTE), storage=storage, airflow=first.airflow, clock=first.clock)
        operations = 0

        def meanwhile(
            _operation: str, _entity: Entity | None, second: OutboxHarness = second, step: int = step
        ) -> None:
            nonlocal operations
            operations += 1
            if operations == step + 1:
                second.clock.now += 1
                land(second, "a.csv.done")
                tell(second, "a.csv.done")

        storage.outbox.faults.append(meanwhile)
        arrive(first, "a.csv")
        storage.outbox.faults.clear()
        arrive(first, "a.csv.done")

        assert runs(first) == ["a.csv"], step
        assert storage.outbox.events() == [], step


def test_file_that_was_found_without_its_event_is_looked_at_at_once(harness: OutboxHarness) -> None:
    """The reconciler, a backfill and `send` write it where an event would have; others wait there."""
    arrive(harness, "other.csv")
    harness.drain()
    land(harness, "a.csv")
    land(harness, "a.csv.done")
    event = harness.storage.reader.blobs["a.csv"]
    [run] = routes(ROUTE).match(event).requests
    found = Pending(container="landing", name="a.csv", event=event, lane=run.entry_lane, run_id=run.run_id)
    harness.outbox.park(found)

    harness.drain()

    assert runs(harness) == ["a.csv"]
