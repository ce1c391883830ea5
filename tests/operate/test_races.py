"""Two operators, the app and Ctrl-C meet at every moment: nothing is lost, nothing is doubled."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from operate.drop import Drop
from operate.replay import Replay
from operate.work import Done, carry_out
from shared.model.errors import AirflowUnreachable, BadEvent, RunRefused, StorageUnavailable
from shared.model.hold import PersonHold
from shared.model.pending import Pending
from shared.routes.table import RouteTable
from shared.storage.rows import Row, read_row
from shared.storage.settled import Settled
from shared.storage.tables import Entity
from tests.support.fakes import routes
from tests.support.harness import DEFAULT, OutboxHarness, failing, well
from tests.support.table import MemoryTable

type Step = Callable[["World"], object]

_MOST_STEPS = 40


class Killed(BaseException):
    """The process ends here."""


@dataclass
class World:
    """One app with one dead letter, and operators who have read it at the same time."""

    harness: OutboxHarness
    letter: Row
    routes: RouteTable = field(default_factory=routes)

    @property
    def tables(self) -> tuple[MemoryTable, MemoryTable, MemoryTable]:
        """All tables."""
        storage = self.harness.storage
        return storage.outbox, storage.dead, storage.settled

    @property
    def is_dropped(self) -> bool:
        """Whether the version has a claim."""
        return bool(self.harness.storage.settled.rows)

    def replay(self) -> Done:
        """Replay the letter, as it was read."""
        work = Replay(
            outbox=self.harness.outbox,
            outbox_table=self.harness.storage.outbox,
            letters=self.harness.storage.dead,
            settled=Settled(self.harness.storage.settled, now=self.harness.clock.time),
            routes=self.routes,
            by_event=False,
            who="ann",
        )
        return work.replay(self.letter)

    def drop(self) -> Done:
        """Drop the letter, as it was read."""
        return self._drop().letter(self.letter)

    def drop_row(self) -> Done:
        """Drop the one row that waits."""
        [row] = self.harness.waiting
        read = self.harness.storage.outbox.get(row["PartitionKey"], row["RowKey"])
        assert read is not None
        return self._drop().row(read_row(read))

    def _drop(self) -> Drop:
        return Drop(
            outbox_table=self.harness.storage.outbox,
            letters=self.harness.storage.dead,
            settled=Settled(self.harness.storage.settled, now=self.harness.clock.time),
            routes=self.routes,
            who="ben",
            why="test",
        )


def _world() -> World:
    """Return an app whose one event was refused, and which would take it now."""
    harness = OutboxHarness()
    harness.park("a")
    harness.airflow.answer = failing(RunRefused("no"))
    harness.drain()
    harness.airflow.answer = well
    [letter] = harness.dead
    read = harness.storage.dead.get(letter["PartitionKey"], letter["RowKey"])
    assert read is not None
    return World(harness, read_row(read))


def _at(world: World, step: int, act: Callable[[], object]) -> Callable[[], int]:
    """Act before the operation of this number, whichever table it is of; return what counts operations."""
    seen = 0
    is_busy = False

    def hook(_name: str, _entity: Entity | None) -> None:
        nonlocal seen, is_busy
        if is_busy:
            return
        seen += 1
        if seen == step:
            is_busy = True
            act()
            is_busy = False

    for table in world.tables:
        table.faults.append(hook)
    return lambda: seen


def _meetings(first: Step, second: Step, make: Callable[[], World] = _world) -> Iterator[World]:
    """Yield what is left when the second acts before each operation of the first, and after the last one."""
    for step in range(1, _MOST_STEPS):
        world = make()
        seen = _at(world, step, lambda world=world: second(world))  # type: ignore[misc]
        first(world)
        was_reached = seen() >= step
        if not was_reached:
            second(world)
        for table in world.tables:
            table.faults.clear()
        yield world
        if not was_reached:
            return
    pytest.fail("the first has too many operations")


def _kill(_world: World) -> None:
    raise Killed


def _deliver(world: World) -> None:
    world.harness.pass_time(60)


def _refuse(world: World) -> None:
    world.harness.airflow.answer = failing(RunRefused("no, again"))
    world.harness.drain()
    world.harness.airflow.answer = well


def _is_settled_once(world: World) -> None:
    """The version has one run, or is dropped; nothing is left that would start another."""
    _deliver(world)
    assert world.harness.waiting == []
    assert len(world.harness.airflow.runs) == (0 if world.is_dropped else 1)


def test_two_replays_at_any_moment_start_one_run() -> None:
    """Both write the row and delete the letter; the run id is the same."""
    for world in _meetings(World.replay, World.replay):
        _is_settled_once(world)
        assert world.harness.dead == []


def test_replay_and_drain_at_any_moment_start_one_run() -> None:
    """The drain may deliver the row before the replay has deleted its letter."""
    for world in _meetings(World.replay, _deliver):
        _is_settled_once(world)
        assert world.harness.dead == []


def test_replay_whose_row_dies_again_at_any_moment_keeps_a_letter() -> None:
    """The letter has another ETag then, so the replay leaves it: the death it has not seen is kept."""
    for world in _meetings(World.replay, _refuse):
        assert len(world.harness.waiting) + len(world.harness.dead) >= 1


@pytest.mark.parametrize(
    ("first", "second"), [(World.replay, World.drop), (World.drop, World.replay)], ids=["replay", "drop"]
)
def test_what_is_dropped_while_it_is_replayed_is_not_sent(first: Step, second: Step) -> None:
    """Each writes its own mark first and looks for that of the other then, so one of them sees both."""
    for world in _meetings(first, second):
        assert world.harness.waiting == []
        assert world.is_dropped
        _deliver(world)
        assert world.harness.airflow.runs == {}
        assert world.harness.dead == []


@pytest.mark.parametrize(
    ("first", "second"), [(World.replay, World.drop), (World.drop, World.replay)], ids=["replay", "drop"]
)
def test_what_is_dropped_while_it_is_replayed_elsewhere_is_not_sent(first: Step, second: Step) -> None:
    """The route names another DAG than when the letter died: the row of the replay is in that one's lane."""

    def make() -> World:
        world = _world()
        world.routes = routes(dag_id="another")
        return world

    for world in _meetings(first, second, make):
        assert world.harness.waiting == []
        assert world.is_dropped
        assert world.harness.dead == []


def test_row_that_a_drain_moves_while_it_is_dropped_is_dropped() -> None:
    """The same version, in the lane of the DAG that the route names today."""

    def make() -> World:
        world = _waiting_world()
        world.routes = routes(dag_id="another")
        [row] = world.harness.waiting
        read = world.harness.storage.outbox.get(row["PartitionKey"], row["RowKey"])
        assert read is not None
        world.letter = read_row(read)
        return world

    def drop(world: World) -> Done:
        return world._drop().row(world.letter)

    def move(world: World) -> None:
        for row in world.harness.waiting:
            found = world.harness.storage.outbox.get(row["PartitionKey"], row["RowKey"])
            assert found is not None
            read = read_row(found)
            assert read.pending is not None
            lane = replace(read.pending.lane, dag_id="another")
            world.harness.outbox.move(read, replace(read.pending, lane=lane))

    for world in _meetings(drop, move, make):
        assert world.harness.waiting == []
        assert world.is_dropped


@pytest.mark.parametrize("act", [World.replay, World.drop])
def test_killed_at_any_moment_it_goes_on_with_the_next_call(act: Step) -> None:
    """The version is in the outbox, dead or dropped in between: never nowhere."""
    step = 0
    while True:
        step += 1
        world = _world()
        seen = _at(world, step, lambda world=world: _kill(world))  # type: ignore[misc]
        try:
            act(world)
        except Killed:
            pass
        else:
            assert seen() < step
            return
        for table in world.tables:
            table.faults.clear()
        left = len(world.harness.waiting) + len(world.harness.dead) + len(world.harness.storage.settled.rows)
        assert left >= 1, step
        act(world)
        assert world.harness.dead == []
        _is_settled_once(world)


def test_row_of_a_replay_that_changes_while_its_letter_is_dropped_is_deleted() -> None:
    """A replay that was killed has left both; a drain has just deferred the row."""

    def make() -> World:
        world = _world()
        _at(world, 2, lambda: _kill(world))
        with suppress(Killed):
            world.replay()
        for table in world.tables:
            table.faults.clear()
        assert (len(world.harness.waiting), len(world.harness.dead)) == (1, 1)
        return world

    for world in _meetings(World.drop, _touch, make):
        assert world.harness.waiting == []
        assert world.harness.dead == []


def test_letter_by_name_that_dies_again_while_it_is_dropped_stays() -> None:
    """It may be about another version, which nobody has seen: there is no claim for a name."""
    event = Pending(container="landing", name="a")

    def make() -> World:
        harness = OutboxHarness()
        harness.dead_letters.add(event, BadEvent("x"))
        [letter] = harness.dead
        read = harness.storage.dead.get(letter["PartitionKey"], letter["RowKey"])
        assert read is not None
        return World(harness, read_row(read))

    for world in _meetings(
        World.drop, lambda world: world.harness.dead_letters.add(event, BadEvent("y")), make
    ):
        assert len(world.harness.dead) == 1


def _touch(world: World) -> None:
    """Write into the row that waits, as one more failure does."""
    for row in world.harness.waiting:
        world.harness.storage.outbox.merge(
            {name: row[name] for name in ("PartitionKey", "RowKey", "message")}
        )


def _waiting_world() -> World:
    """Return an app whose one event waits."""
    world = _world()
    world.replay()
    return world


def test_row_that_fails_once_more_while_it_is_dropped_is_dropped() -> None:
    """The app has written into the row meanwhile: its ETag is another."""
    for world in _meetings(World.drop_row, _touch, _waiting_world):
        assert world.harness.waiting == []
        assert world.is_dropped


def test_row_is_noted_as_dropped_before_it_goes() -> None:
    """Killed in between, it is still there, and the next call goes on."""
    world = _waiting_world()
    world.harness.storage.settled.faults.append(_lost)

    with pytest.raises(StorageUnavailable):
        world.drop_row()

    assert len(world.harness.waiting) == 1


def _lost(_name: str, _entity: Entity | None) -> None:
    msg = "down"
    raise StorageUnavailable(msg)


def _person(who: str) -> PersonHold:
    return PersonHold(who=who, why="upgrade", since=OutboxHarness().clock.time())


def _states(
    act: Callable[[OutboxHarness], object], second: Callable[[OutboxHarness], object]
) -> Iterator[Any]:
    """Yield the state of a lane after two meet at each moment, once with and once without a state before."""
    for with_hold in (False, True):

        def make(*, with_hold: bool = with_hold) -> World:
            world = _world()
            if with_hold:
                world.harness.outbox.hold(DEFAULT, AirflowUnreachable("x"))
            return world

        for world in _meetings(lambda world: act(world.harness), lambda world: second(world.harness), make):
            yield world.harness.state()


def test_two_persons_who_hold_at_any_moment_leave_the_first() -> None:
    """And the second is told."""
    told: list[PersonHold | None] = []

    def hold(who: str) -> Callable[[OutboxHarness], object]:
        return lambda harness: told.append(harness.outbox.hold_by_person(DEFAULT, _person(who)))

    for state in _states(hold("ann"), hold("ben")):
        assert state is not None
        assert sum(holder is None for holder in told) == 1
        assert next(holder for holder in told if holder).who == state.person.who
        told.clear()


def test_hold_by_the_app_stays_when_a_person_releases_at_any_moment() -> None:
    """The release takes the person's columns alone."""

    def release(harness: OutboxHarness) -> None:
        harness.outbox.hold_by_person(DEFAULT, _person("ann"))
        harness.outbox.release(DEFAULT.key)

    def fail(harness: OutboxHarness) -> None:
        harness.outbox.hold(DEFAULT, AirflowUnreachable("x"))

    for state in _states(release, fail):
        assert state is not None
        assert state.person is None
        assert state.hold is not None


def test_rows_under_way_are_ended_when_the_operator_interrupts() -> None:
    """No row is left between two of its steps, and no further one is begun."""
    world = _world()
    begun: list[Row] = []
    ended: list[Row] = []

    def act(row: Row) -> Done:
        begun.append(row)
        time.sleep(0.05)
        ended.append(row)
        return Done(path="a", is_done=True, note="")

    results = carry_out((world.letter for _ in range(1_000)), act)
    next(results)
    results.close()  # type: ignore[attr-defined]

    assert begun == ended
    assert len(begun) < 100
