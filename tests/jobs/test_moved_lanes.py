"""Routes that were changed or removed while rows wait: nothing lost, and no version with two runs."""

from datetime import timedelta

import pytest

from shared.model.errors import DagMissing, LookUpForbidden
from shared.model.hold import LaneState
from shared.model.lane import Lane
from shared.model.pending import Pending, Target
from shared.model.run_request import RunRequest
from shared.routes.table import RouteTable
from shared.storage.tables import Entity
from tests.support.fakes import routes
from tests.support.harness import AIRFLOW_URL, OutboxHarness, failing, well
from tests.support.samples import blob_event

OLD = Lane(route_id="r", dag_id="old")
NEW_DAG = Lane(route_id="r", dag_id="new")
REST = 600.0
WEEK = timedelta(days=7)


def _route(dag_id: str, name: str = "r", route_id: str = "r") -> RouteTable:
    toml = f'[[route]]\nname = "{name}"\nid = "{route_id}"\nmatch = "**"\ndag_id = "{dag_id}"\n'
    return routes(toml)


def _edited(*names: str) -> OutboxHarness:
    """Return an app whose route was edited after these files had been parked."""
    harness = OutboxHarness(_route("old"))
    harness.park(*names, lane=OLD)
    harness.change_routes(_route("new"))
    return harness


def _marked(harness: OutboxHarness) -> bool:
    state = harness.state(OLD)
    return state is not None and state.moving_since is not None


def test_edited_lane_is_marked_first_and_nothing_is_posted_from_it() -> None:
    """Instances with the old routes see the mark, and something may still be under way."""
    harness = _edited("a", "b")

    harness.pass_time(REST - 60)

    assert _marked(harness)
    assert harness.airflow.calls == []
    assert harness.airflow.questions["find"] == 0


def test_rows_move_after_ten_minutes_and_are_sent_to_the_new_dag() -> None:
    """Looked up first, each in the lane's own DAG."""
    harness = _edited("a", "b")

    harness.pass_time(REST + 60)

    assert {run.dag_id for run in harness.airflow.calls} == {"new"}
    assert sorted(harness.sent) == ["a", "b"]
    assert harness.airflow.questions["find"] == 2
    assert harness.storage.outbox.rows == {}


def test_run_that_is_found_in_the_old_dag_is_settled() -> None:
    """A drain posts before it writes, so `never sent` cannot be known from the row."""
    harness = OutboxHarness(_route("old"))
    harness.park("a", "b", lane=OLD)
    [first, _] = harness.waiting
    harness.airflow.create(RunRequest(dag_id="old", run_id=first["run_id"], conf={}, route="r", route_id="r"))
    harness.change_routes(_route("new"))

    harness.pass_time(REST + 60)

    assert harness.sent == ["b"]
    assert harness.waiting == []


def test_run_is_looked_up_wherever_it_may_have_been_sent() -> None:
    """The row may have been in a third lane before."""
    harness = OutboxHarness(_route("old"))
    event = blob_event(name="a")
    third = Target(dag_id="third", airflow=AIRFLOW_URL)
    harness.outbox.park(
        Pending(container="landing", name="a", event=event, lane=OLD, sent_to=frozenset({third}))
    )
    run_id = OutboxHarness(_route("old")).ingest._trigger.runs_of(event)[0][1].run_id
    harness.airflow.create(RunRequest(dag_id="third", run_id=run_id, conf={}, route="r", route_id="r"))
    harness.change_routes(_route("new"))

    harness.pass_time(REST + 60)

    assert harness.airflow.calls == []
    assert harness.waiting == []


def test_row_that_cannot_be_looked_up_stays_and_the_hold_says_why() -> None:
    """Moving it could run it twice."""
    harness = _edited("a")
    harness.airflow.down = LookUpForbidden("the role may not read DAG runs")

    harness.pass_time(REST + 120)

    state = harness.state(OLD)
    assert harness.airflow.calls == []
    assert state is not None
    assert state.hold is not None
    assert "may not read" in state.hold.message
    assert state.moving_since is not None

    harness.airflow.down = None
    harness.pass_time(330)
    assert harness.sent == ["a"]
    assert harness.storage.outbox.rows == {}


def test_misspelt_dag_is_repaired_without_a_wait() -> None:
    """It does not exist, so nothing of it can be under way; nor is the next probe awaited."""
    harness = OutboxHarness(_route("old"))
    harness.park("a", lane=OLD)
    harness.airflow.answer = failing(DagMissing("no such DAG"), dags={"old"})
    harness.drain()
    harness.change_routes(_route("new"))

    harness.drain()

    assert [run.dag_id for run in harness.airflow.calls] == ["old", "new"]
    assert harness.storage.outbox.rows == {}


def test_live_calls_go_to_the_new_lane_meanwhile() -> None:
    """Only what waits has to rest."""
    harness = _edited("a")
    harness.drain()

    harness.arrive("b")

    assert [(run.dag_id, run.conf["filename"]) for run in harness.airflow.calls] == [("new", "b")]


def test_instance_with_the_old_routes_sends_nothing_from_a_marked_lane() -> None:
    """Neither live, once it has looked, nor in a drain; and it leaves the mark alone."""
    new = _edited("a")
    old = OutboxHarness(_route("old"), storage=new.storage, airflow=new.airflow, clock=new.clock)
    new.drain()

    old.drain()
    new.clock.now += 60
    old.dispatcher.after_event()
    old.arrive("b")
    old.drain()

    assert new.airflow.calls == []
    assert _marked(new)


def test_route_that_is_edited_back_rests_once_more_and_its_rows_are_sent_where_they_were() -> None:
    """An instance with the routes in between may be moving rows."""
    harness = _edited("a", "b")
    harness.drain()
    harness.change_routes(_route("old"))

    harness.pass_time(REST - 60)
    assert harness.airflow.calls == []

    harness.pass_time(120)
    assert {run.dag_id for run in harness.airflow.calls} == {"old"}
    assert sorted(harness.sent) == ["a", "b"]
    assert harness.storage.outbox.rows == {}


def test_mark_from_a_time_far_ahead_is_a_mistake() -> None:
    """A lane must not rest for ever because somebody edited its state."""
    harness = _edited("a")
    harness.outbox.write_state(LaneState(lane=OLD, moving_since=harness.clock.time() + timedelta(days=4_000)))

    harness.drain()

    assert [run.dag_id for run in harness.airflow.calls] == ["new"]


def test_move_that_the_time_cuts_off_goes_on_with_the_next_drain() -> None:
    """The mark stays, so the rest does not wait for ten more minutes."""
    harness = _edited(*[str(number) for number in range(30)])
    harness.pass_time(REST)
    find = harness.airflow.find

    def slow(dag_id: str, run_id: str) -> str | None:
        harness.clock.sleep(10)
        return find(dag_id, run_id)

    harness.airflow.find = slow  # type: ignore[method-assign]
    harness.drain(60)
    assert _marked(harness)
    assert 0 < len(harness.airflow.calls) < 30

    harness.airflow.find = find  # type: ignore[method-assign]
    harness.drain()
    assert len(harness.airflow.runs) == 30


def test_row_that_a_live_call_changes_while_it_moves_stays() -> None:
    """Its ETag has moved: it is looked up once more, wherever it was sent by then."""
    harness = _edited("a")
    harness.pass_time(REST)
    [row] = harness.waiting
    sent = Target(dag_id="old", airflow=AIRFLOW_URL)

    def late(name: str, entity: Entity | None) -> None:
        if name == "insert" and entity and entity["PartitionKey"] == NEW_DAG.key:
            harness.storage.outbox.after.clear()
            mark = {f"sent_{sent.digest}": f'{{"dag_id":"old","airflow":"{AIRFLOW_URL}"}}'}
            harness.storage.outbox.merge({**row, **mark})

    harness.storage.outbox.after.append(late)
    harness.drain()

    assert harness.airflow.questions["find"] == 2
    assert [dag_id for dag_id, _ in harness.airflow.runs] == ["new"]
    assert harness.waiting == []


def test_route_with_a_new_name_and_the_same_id_goes_on() -> None:
    """Rows, lane and run ids stay the same."""
    harness = OutboxHarness(_route("old"))
    harness.park("a", lane=OLD)
    run_id = harness.waiting[0]["run_id"]
    harness.change_routes(_route("old", name="renamed"))

    harness.drain()

    assert [run.run_id for run in harness.airflow.calls] == [run_id]
    assert harness.airflow.calls[0].conf["route"] == "renamed"


@pytest.mark.parametrize("kind", ["dag", "route"])
def test_missing_destination_loses_nothing_for_seven_days(kind: str) -> None:
    """It may not be deployed yet."""
    harness = _missing(kind)

    for _ in range(13):
        harness.clock.now += WEEK.total_seconds() / 14
        harness.drain()

    assert harness.dead == []
    assert len(harness.waiting) == 3
    _repair(harness)
    harness.clock.now += 300
    harness.drain()
    assert len(harness.airflow.runs) == 3


@pytest.mark.parametrize(("kind", "code"), [("dag", "dag_gone"), ("route", "route_gone")])
def test_missing_destination_becomes_dead_letters_after_seven_days(kind: str, code: str) -> None:
    """A person must look; the letter says why, and keeps the last words of Airflow."""
    harness = _missing(kind)

    harness.clock.now += WEEK.total_seconds() + 300
    harness.drain()

    assert harness.waiting == []
    assert {letter["reason"] for letter in harness.dead} == {code}
    assert len(harness.dead) == 3
    assert all(
        "no such DAG" in letter["message"] or "no route" in letter["message"] for letter in harness.dead
    )
    harness.pass_time(330)
    assert harness.state(OLD) is None


def test_row_that_was_parked_later_has_a_week_of_its_own() -> None:
    """The time of its event does not count: a backfill brings old events."""
    harness = _missing("dag")
    harness.clock.now += WEEK.total_seconds() - 3_600
    harness.park("late", lane=OLD, event_time=harness.clock.time() - timedelta(days=400))

    harness.clock.now += 7_200
    harness.pass_time(600)

    assert "late" in [row["name"] for row in harness.waiting]
    assert harness.dead == []


def test_week_starts_when_the_dag_was_found_missing() -> None:
    """A long outage before does not count: Airflow may be back before its DAGs are read."""
    harness = OutboxHarness(_route("old"))
    harness.park("a", lane=OLD)
    harness.clock.now += 20 * 86_400
    harness.airflow.answer = failing(DagMissing("not read yet"))

    harness.pass_time(300)

    assert harness.dead == []
    assert len(harness.waiting) == 1


def test_route_that_wants_other_blobs_now_holds_only_those_it_does_not_want() -> None:
    """One event's trouble: the others of its lane are sent, and it dies after a week."""
    harness = OutboxHarness(_route("old"))
    harness.park("x/1", "keep/1", "keep/2", lane=OLD)
    harness.change_routes(routes('[[route]]\nname = "r"\nmatch = "landing/keep/**"\ndag_id = "old"\n'))

    harness.pass_time(60)
    assert sorted(harness.sent) == ["keep/1", "keep/2"]
    assert [row["reason"] for row in harness.waiting] == ["route_missing"]

    harness.clock.now += WEEK.total_seconds()
    harness.drain()
    assert [letter["reason"] for letter in harness.dead] == ["route_gone"]


def _missing(kind: str) -> OutboxHarness:
    """Return an app with three rows whose DAG, or whose route, has been found missing."""
    harness = OutboxHarness(_route("old") if kind == "dag" else _route("x", route_id="another"))
    harness.airflow.answer = failing(DagMissing("no such DAG"))
    harness.park("a", "b", "c", lane=OLD)
    harness.drain()
    return harness


def _repair(harness: OutboxHarness) -> None:
    harness.airflow.answer = well
    harness.change_routes(_route("old"))
