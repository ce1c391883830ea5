"""The simulation of scale does what it says, and docs/scale.md shows what it found."""

from pathlib import Path

from benchmarks.scale.services import Model
from benchmarks.scale.summary import tables
from benchmarks.scale.virtual_time import VirtualTime
from benchmarks.scale.world import World

PAGE = (Path(__file__).parents[1] / "docs" / "scale.md").read_text(encoding="utf-8")


def test_tables_of_the_page_are_those_that_were_kept() -> None:
    """Nobody edits a figure by hand, and none stays when the simulation was run again."""
    assert all(table in PAGE for table in tables().values())


def test_what_waits_at_the_same_time_ends_at_the_same_time() -> None:
    """Threads overlap on the clock of the simulation, or every rate would be that of one thread."""
    clock = VirtualTime()
    ended: list[float] = []

    def wait() -> None:
        clock.sleep(5)
        ended.append(clock.now)

    with clock.in_place_of_threads():
        begin = clock.now
        for _ in range(3):
            clock.spawn(wait)
        clock.sleep(10)

    assert ended == [begin + 5] * 3


def test_airflow_makes_no_more_runs_than_it_can() -> None:
    """What goes to Airflow at once takes its turn there, and the rest of a burst waits as rows."""
    clock = VirtualTime()
    with clock.in_place_of_threads():
        world = World(clock, instances=20, lanes=1, model=Model(), settings={})
        world.arrive(200, 5)
        during = world.figures()
        world.settle(600)

    assert 40 <= during["runs_per_second"] <= 50
    assert during["rows_waiting"]
    assert len(world.airflow.created) == world.arrived == 1000


def test_storage_that_throttles_loses_no_version() -> None:
    """A partition takes what it takes in a second; what it refuses comes again."""
    clock = VirtualTime()
    with clock.in_place_of_threads():
        world = World(
            clock,
            instances=20,
            lanes=1,
            model=Model(partition_entities=110),
            settings={"AIRFLOW_MAX_RUNS_PER_MINUTE": "6000"},
        )
        world.arrive(200, 5)
        world.settle(600)

    assert world.table.throttled
    assert len(world.airflow.created) == world.arrived == 1000
