"""`enabled = false`: the files of a route wait, counted, until it is true; and `owner` is named."""

import logging

import pytest

from shared.model.errors import DagMissing, RunRefused
from tests.support.fakes import lane_routes
from tests.support.harness import OutboxHarness, failing, lane_of

OFF = "enabled = false"
DAY = 86_400.0


def _harness(**more: str) -> OutboxHarness:
    return OutboxHarness(lane_routes("a", "b", **more))


def test_files_of_a_disabled_route_wait_with_a_reason_of_their_own_and_no_other_does() -> None:
    """The first one holds the lane; the others are one insert each."""
    harness = _harness(a=OFF)

    harness.arrive("a/1", "b/1", "a/2", "a/3")

    assert harness.sent == ["b/1"]
    assert [row["reason"] for row in harness.waiting] == ["route_disabled"] * 3
    state = harness.state(lane_of("a"))
    assert state is not None
    assert state.hold is not None
    assert state.hold.reason == "route_disabled"
    harness.storage.outbox.operations.clear()
    harness.arrive("a/4")
    assert harness.storage.outbox.operations == ["insert"]


def test_nothing_of_a_disabled_route_is_sent_or_expires() -> None:
    """Not by a drain, not after a month; nothing is dead, and Airflow is not asked."""
    harness = _harness(a=OFF)
    harness.arrive("a/1")
    harness.park("a/2", lane=lane_of("a"))

    harness.pass_time(30 * DAY, tick=DAY / 4)

    assert harness.sent == []
    assert len(harness.waiting) == 2
    assert harness.dead == []


def test_files_flow_with_the_next_drain_once_the_route_is_enabled_again() -> None:
    """Whenever the next probe of the hold would have been."""
    harness = _harness(a=OFF)
    harness.arrive("a/1", "a/2")
    harness.pass_time(3_600)
    harness.change_routes(lane_routes("a", "b"))

    harness.drain()
    harness.arrive("a/3")

    assert sorted(harness.sent) == ["a/1", "a/2", "a/3"]
    assert harness.waiting == []
    assert harness.state(lane_of("a")) is None


def test_rows_from_before_wait_when_their_route_is_disabled() -> None:
    """Also one whose run may have been sent."""
    harness = _harness()
    harness.airflow.answer = failing(DagMissing("no such DAG"), dags={"a"})
    harness.arrive("a/1")
    sent = len(harness.airflow.calls)
    harness.change_routes(lane_routes("a", "b", a=OFF))

    harness.pass_time(3_600)

    assert len(harness.airflow.calls) == sent
    assert len(harness.waiting) == 1


def test_a_hold_by_choice_is_counted_and_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """A person decided it: one line each ten minutes says how many wait."""
    caplog.set_level(logging.INFO, logger="blob_to_dag")
    harness = _harness(a=OFF + '\nowner = "ann@example.org"')
    harness.arrive("a/1", "a/2")

    harness.pass_time(1_200)

    lasting = [record for record in caplog.records if record.getMessage().startswith("hold.lasting")]
    assert 2 <= len(lasting) <= 4
    assert all("waiting=2" in record.getMessage() for record in lasting)
    assert all('owner="ann@example.org"' in record.getMessage() for record in lasting)
    assert {record.levelno for record in caplog.records} == {logging.INFO}


def test_dead_letter_and_its_line_name_the_owner(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads either knows whom to ask; a route without an owner names none."""
    harness = _harness(a='owner = "ann@example.org"')
    harness.airflow.answer = failing(RunRefused("no"))

    harness.arrive("a/1", "b/1")

    assert [letter.get("owner") for letter in harness.dead] == ["ann@example.org", None]
    lines = [text for text in caplog.messages if text.startswith("run.dead")]
    assert ['owner="ann@example.org"' in line for line in lines] == [True, False]
