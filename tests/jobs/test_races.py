"""Races by hand: two writers meet at the worst moment; no row is lost and no run doubled."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from shared.model.errors import AirflowUnclear, AirflowUnreachable, RunRefused
from shared.model.pending import Pending
from shared.model.run_request import RunRequest
from shared.storage.tables import Entity
from tests.support.fakes import routes
from tests.support.harness import DEFAULT, OutboxHarness, failing, well
from tests.support.samples import blob_event

KEYS = ("PartitionKey", "RowKey")


def _once(
    operation: str, act: Callable[[], object], *, row: bool = True
) -> Callable[[str, Entity | None], None]:
    """Return a hook that acts at the first such operation, of a row or of a lane's state."""
    is_done = False

    def hook(name: str, entity: Entity | None) -> None:
        nonlocal is_done
        is_state = entity is not None and entity["RowKey"] == "!"
        if name == operation and not is_done and is_state != row:
            is_done = True
            act()

    return hook


def _instances() -> tuple[OutboxHarness, OutboxHarness]:
    """Return two instances of the app on the same storage, Airflow and clock."""
    first = OutboxHarness()
    return first, OutboxHarness(storage=first.storage, airflow=first.airflow, clock=first.clock)


def _letter(harness: OutboxHarness) -> tuple[dict[str, Any], str]:
    [letter] = harness.dead
    read = harness.storage.dead.get(letter["PartitionKey"], letter["RowKey"])
    assert read is not None
    return dict(read), str(read.metadata["etag"])  # type: ignore[attr-defined]


def test_replay_of_a_letter_whose_row_dies_again_meanwhile_loses_nothing() -> None:
    """The drain writes the letter before it deletes the row, so the replay sees that it has changed."""
    harness = OutboxHarness()
    harness.park("a")
    harness.airflow.answer = failing(RunRefused("no"))
    harness.drain()
    letter, etag = _letter(harness)
    row = {name: value for name, value in letter.items() if name != "died_at"}

    # The replay has written its row; the drain refuses it once more; then the replay deletes the letter.
    harness.storage.outbox.insert(row)
    harness.drain()
    harness.storage.dead.delete(letter, etag=etag)

    assert len(harness.dead) == 1
    assert harness.waiting == []


def test_replay_between_the_letter_and_the_delete_of_its_row_loses_nothing() -> None:
    """The replay always writes the row, so the delete of the drain sees that it has changed."""
    harness = OutboxHarness()
    harness.park("a")
    harness.airflow.answer = failing(RunRefused("no"))

    def replay() -> None:
        letter, etag = _letter(harness)
        harness.storage.outbox.merge({name: letter[name] for name in (*KEYS, "message")})
        harness.storage.dead.delete(letter, etag=etag)
        harness.airflow.answer = well

    harness.storage.outbox.faults.append(_once("transact", replay, row=True))
    harness.drain()
    harness.pass_time(60)

    assert len(harness.airflow.runs) == 1
    assert harness.waiting == []
    assert harness.dead == []


def test_second_drain_keeps_the_pace_of_the_first() -> None:
    """The run after a hand-over is not earlier than the cap allows, nor much later."""
    settings: dict[str, Any] = {"AIRFLOW_MAX_RUNS_PER_MINUTE": "6"}
    first = OutboxHarness(None, **settings)
    second = OutboxHarness(None, storage=first.storage, airflow=first.airflow, clock=first.clock, **settings)
    first.park(*[str(number) for number in range(20)])
    moments: list[float] = []

    def answer(run: RunRequest) -> None:
        moments.append(first.clock())

    first.airflow.answer = answer
    first.drain(25)
    last = moments[-1]
    first.clock.now += 5
    second.drain(25)

    assert moments[len(moments) - 2] >= last
    pauses = [after - before for before, after in pairwise(moments)]
    assert min(pauses) >= 9
    assert max(pauses) <= 11


def test_event_that_is_parked_while_its_row_is_deleted_is_kept() -> None:
    """It was there at the insert and is gone at the update: then it is inserted again."""
    harness = OutboxHarness()
    harness.park("a")
    [row] = harness.waiting

    def delete() -> None:
        harness.storage.outbox.rows.pop((row["PartitionKey"], row["RowKey"]))

    harness.storage.outbox.after.append(_once("insert", delete))
    event = blob_event(name="a", event_time=row["event_time"])
    harness.outbox.park(Pending(container="landing", name="a", event=event, lane=DEFAULT))

    [again] = harness.waiting
    assert (again["RowKey"], again["name"]) == (row["RowKey"], "a")
    assert "event" in again


def test_row_that_is_merged_while_it_is_posted_stays_for_another_look() -> None:
    """What was written meanwhile may know more; the same run id says that it is there already."""
    harness = OutboxHarness()
    harness.park("a")
    [row] = harness.waiting
    event = blob_event(name="a", event_time=row["event_time"])

    def answer(run: RunRequest) -> None:
        if len(harness.airflow.calls) == 1:
            harness.outbox.park(
                Pending(container="landing", name="a", event=event, lane=DEFAULT, message="once more")
            )

    harness.airflow.answer = answer
    harness.drain()

    assert len(harness.airflow.calls) == 2
    assert len(harness.airflow.runs) == 1
    assert harness.waiting == []


def test_event_by_name_that_comes_again_while_it_is_delivered_is_looked_at_again() -> None:
    """The blob may have been overwritten after the first look."""
    harness = OutboxHarness()
    harness.storage.reader.blobs["a"] = blob_event(name="a", etag="0x1")
    harness.outbox.park(Pending(container="landing", name="a"))
    read = harness.storage.reader.read

    def overwritten(container: str, name: str) -> object:
        found = read(container, name)
        if len(harness.storage.reader.looks) == 1:
            harness.storage.reader.blobs["a"] = blob_event(name="a", etag="0x2")
            harness.outbox.park(Pending(container="landing", name="a"))
        return found

    harness.storage.reader.read = overwritten  # type: ignore[method-assign, assignment]
    harness.drain()

    assert [run.conf["etag"] for run in harness.airflow.calls] == ["0x1", "0x2"]
    assert harness.waiting == []


def test_route_that_is_edited_between_post_and_row_starts_no_second_run() -> None:
    """The answer was lost, the run is there; the row says where it may have been sent."""
    harness = OutboxHarness()

    def lost(run: RunRequest) -> None:
        harness.airflow.create(run)
        msg = "reset"
        raise AirflowUnclear(msg)

    harness.airflow.answer = lost
    harness.arrive("a")
    harness.airflow.answer = well
    harness.change_routes(routes('[[route]]\nname = "default"\nmatch = "**"\ndag_id = "new_dag"\n'))

    harness.pass_time(720)

    assert [dag_id for dag_id, _ in harness.airflow.runs] == ["copy_file"]
    assert harness.waiting == []


def test_two_drains_that_both_have_the_lease_start_each_run_once() -> None:
    """The second begins while the first has a call in flight; the first notices too late."""
    first, second = _instances()
    first.park(*[str(number) for number in range(30)])

    def answer(run: RunRequest) -> None:
        if len(first.airflow.calls) == 3:
            first.storage.lease.is_taken = False
            second.drain()

    first.airflow.answer = answer
    first.drain()

    assert len(first.airflow.runs) == 30
    assert len(first.airflow.calls) > 30
    assert first.storage.outbox.rows == {}


def test_member_of_a_transaction_that_vanished_does_not_keep_the_others() -> None:
    """It is taken out, and the rest is sent again."""
    harness = OutboxHarness()
    harness.park(*[str(number) for number in range(50)])
    victims = [tuple(row[key] for key in KEYS) for row in harness.waiting][10:13]

    def delete() -> None:
        for keys in victims:
            harness.storage.outbox.rows.pop(keys)

    harness.storage.outbox.faults.append(_once("transact", delete, row=True))
    harness.drain()

    assert harness.waiting == []
    assert len(harness.airflow.calls) == len(harness.airflow.runs) == 50


def test_state_that_a_live_call_holds_while_it_is_dropped_stays() -> None:
    """The lane was empty when it was read, and is not any more."""
    harness = OutboxHarness()
    harness.outbox.hold(DEFAULT, AirflowUnreachable("x"))
    harness.clock.now += 30

    def hold() -> None:
        harness.park("a")
        harness.outbox.hold(DEFAULT, AirflowUnreachable("again"))

    harness.storage.outbox.faults.append(_once("delete", hold, row=False))
    harness.drain(1)

    state = harness.state()
    assert state is not None
    assert state.hold is not None
    assert state.hold.message == "again"


def test_hold_that_a_person_adds_while_the_app_ends_its_own_stays() -> None:
    """The app reads the state again when it has changed."""
    harness = OutboxHarness()
    harness.outbox.hold(DEFAULT, AirflowUnreachable("x"))
    harness.storage.outbox.faults.append(_once("delete", lambda: harness.hold_by_person(DEFAULT), row=False))

    harness.outbox.lift(DEFAULT)

    state = harness.state()
    assert state is not None
    assert state.person is not None
    assert state.hold is None
