"""A state whose columns for people were edited is still the state of its partition."""

import pytest

from shared.model.errors import DagMissing, OnHold
from shared.model.hold import PersonHold
from shared.model.lane import STATE, Lane
from shared.model.run_request import RunRequest
from shared.storage.tables import Entity
from tests.support.clock import START
from tests.support.fakes import routes
from tests.support.harness import OutboxHarness

LANE = Lane(route_id="default", dag_id="copy_file")


def missing(run: RunRequest) -> None:
    """Let every call fail as if there were no such DAG."""
    msg = "no such DAG"
    raise DagMissing(msg)


def well(run: RunRequest) -> None:
    """Let every call succeed."""


@pytest.mark.parametrize("edit", [{"route": "other"}, {"route": "", "dag_id": ""}, {"dag_id": 7}])
def test_hold_ends_with_a_success_whatever_its_columns_say(edit: dict[str, object]) -> None:
    """Else the lane would be probed for ever, and live calls kept back."""
    harness = OutboxHarness()
    harness.airflow.answer = missing
    harness.arrive("a.csv")
    harness.storage.outbox.merge({"PartitionKey": LANE.key, "RowKey": STATE, **edit})
    harness.airflow.answer = well

    harness.clock.sleep(31)
    harness.drain()

    assert harness.waiting == []
    assert harness.outbox.state(LANE) is None


def test_person_s_hold_without_names_stops_live_calls() -> None:
    """Made by hand in the portal, with nothing but who and why."""
    harness = OutboxHarness()
    person = {"person_who": "ops", "person_why": "upgrade"}
    harness.storage.outbox.upsert({"PartitionKey": LANE.key, "RowKey": STATE, **person})
    harness.clock.sleep(61)
    harness.arrive("a.csv")
    calls = len(harness.airflow.calls)

    harness.arrive("b.csv")
    harness.clock.sleep(6)
    harness.arrive("c.csv")
    harness.clock.sleep(6)
    harness.arrive("d.csv")

    assert len(harness.airflow.calls) == calls
    assert {row["reason"] for row in harness.waiting} == {OnHold.code}
    state = harness.outbox.state(LANE)
    assert state
    assert state.person == PersonHold(
        who="ops", why="upgrade", since=state.person.since if state.person else START
    )


def test_failure_of_a_lane_whose_state_was_edited_stops_its_live_calls() -> None:
    """The hold that was just noted is believed for the partition that it lies in."""
    harness = OutboxHarness()
    edited = {"PartitionKey": LANE.key, "RowKey": STATE, "route": "other"}
    harness.storage.outbox.upsert(edited)
    harness.airflow.answer = missing

    harness.arrive("a.csv", "b.csv", "c.csv")

    assert len(harness.airflow.calls) == 1


def test_mark_of_a_move_brings_no_hold_back() -> None:
    """A hold may have ended since the state was read, so the mark is written alone."""
    harness = OutboxHarness()
    harness.airflow.answer = missing
    harness.arrive("a.csv")
    written: list[Entity] = []
    harness.storage.outbox.faults.append(lambda _, entity: written.append(entity or {}))

    harness.change_routes(routes(dag_id="other"))
    harness.pass_time(60)

    [mark] = [entity for entity in written if "moving_since" in entity]
    assert not [name for name in mark if name.startswith(("hold_", "person_"))]
