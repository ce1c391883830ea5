"""A hold by a person, for maintenance: it stops the drain and live calls, and only a person ends it."""

import pytest

from shared.model.errors import (
    DagMissing,
)
from shared.model.lane import EVERYTHING
from shared.storage.tables import Entity
from tests.support.harness import DEFAULT, OutboxHarness, failing


@pytest.mark.parametrize("lane", [DEFAULT, EVERYTHING])
def test_hold_by_a_person_stops_the_drain_and_no_success_ends_it(lane: object) -> None:
    """Only a person does."""
    harness = OutboxHarness()
    harness.park("a")
    harness.hold_by_person(lane)  # type: ignore[arg-type]

    harness.pass_time(3_600)
    assert harness.airflow.calls == []

    harness.storage.outbox.rows = {k: v for k, v in harness.storage.outbox.rows.items() if k[1] != "!"}
    harness.drain()
    assert harness.sent == ["a"]


@pytest.mark.parametrize("lane", [DEFAULT, EVERYTHING])
def test_hold_by_a_person_stops_live_calls_within_a_minute(lane: object) -> None:
    """Each instance looks at the lanes' heads once a minute."""
    harness = OutboxHarness()
    harness.arrive("a")
    harness.hold_by_person(lane)  # type: ignore[arg-type]
    harness.clock.now += 60

    harness.arrive("b")  # the look comes after it
    harness.arrive("c", "d")

    assert harness.sent == ["a", "b"]
    assert {row["reason"] for row in harness.waiting} == {"on_hold"}
    assert "ann" in harness.waiting[0]["message"]


@pytest.mark.parametrize("lane", [DEFAULT, EVERYTHING])
def test_instance_with_the_timer_knows_of_a_hold_before_its_first_event(lane: object) -> None:
    """No event came for a while, so nothing but the tick could tell it."""
    harness = OutboxHarness()
    harness.hold_by_person(lane)  # type: ignore[arg-type]
    harness.pass_time(60)

    harness.arrive("a")

    assert harness.sent == []
    assert [row["reason"] for row in harness.waiting] == ["on_hold"]


def test_person_and_app_hold_a_lane_independently() -> None:
    """A success of another instance takes away the app's hold only."""
    harness = OutboxHarness()
    harness.park("a")
    harness.airflow.answer = failing(DagMissing("x"))
    harness.drain()
    harness.hold_by_person(DEFAULT)

    harness.outbox.lift(DEFAULT)

    state = harness.state()
    assert state is not None
    assert state.hold is None
    assert state.person is not None


def test_person_who_ends_a_hold_while_the_app_writes_its_own_is_obeyed() -> None:
    """The app writes back nothing that it has read."""
    harness = OutboxHarness()
    harness.hold_by_person(DEFAULT)

    def end(name: str, entity: Entity | None) -> None:
        if name == "get":
            harness.storage.outbox.rows.clear()
            harness.storage.outbox._etags.clear()

    harness.storage.outbox.after.append(end)
    harness.outbox.hold(DEFAULT, DagMissing("x"))
    harness.storage.outbox.after.clear()

    state = harness.state()
    assert state is not None
    assert state.person is None
