"""An outage of Airflow, of the log-in or of the vault: everything waits, and nothing is rewritten."""

from datetime import timedelta

import pytest

from shared.model.errors import (
    AirflowBusy,
    AirflowUnclear,
    AirflowUnreachable,
    CredentialsRefused,
    RetryableError,
    VaultUnavailable,
)
from shared.model.lane import EVERYTHING
from shared.model.run_request import RunRequest
from shared.storage.tables import Entity
from tests.support.harness import OutboxHarness, failing, two_lanes, well


def test_outage_of_airflow_holds_everything_after_one_row() -> None:
    """A question of its own fails, too."""
    harness = two_lanes()
    harness.fill("bad", 100)
    harness.fill("good", 100)
    harness.airflow.answer = failing(AirflowUnreachable("down"))
    harness.airflow.down = AirflowUnreachable("down")

    harness.drain()

    assert harness.hold(EVERYTHING).reason == "airflow_unreachable"
    assert len(set(harness.sent)) <= 4
    assert harness.airflow.questions["version"] == 1


@pytest.mark.parametrize(
    "error",
    [AirflowUnreachable("down"), AirflowUnclear("timeout"), VaultUnavailable("x"), AirflowBusy("429")],
)
def test_outage_costs_one_call_a_tick_and_rewrites_nothing(error: RetryableError) -> None:
    """However many rows wait, in however many lanes."""
    harness = two_lanes()
    harness.fill("bad", 200)
    harness.fill("good", 200)
    harness.airflow.answer = failing(error)
    harness.airflow.down = AirflowUnreachable("down")
    harness.drain()
    harness.airflow.calls.clear()
    written: list[str] = []

    def note(name: str, entity: Entity | None) -> None:
        if name not in {"get", "query"} and not (entity and entity["RowKey"] == "!"):
            written.append(name)

    harness.storage.outbox.after.append(note)
    harness.clock.now += 30
    for _ in range(20):
        before = len(harness.airflow.calls)
        harness.drain()
        assert len(harness.airflow.calls) - before == 1
        harness.clock.now += 30

    # A row that may have been sent is marked so, once.
    assert len(written) <= 2 * error.may_have_been_sent
    assert harness.hold(EVERYTHING).next_probe - harness.clock.time() <= timedelta(seconds=30)


def test_dead_airflow_is_asked_nothing_but_the_probe() -> None:
    """A connection that is refused needs no second question."""
    harness = OutboxHarness()
    harness.park("a")
    harness.airflow.answer = failing(AirflowUnreachable("down"))
    harness.airflow.down = AirflowUnreachable("down")
    harness.drain()
    harness.airflow.questions.clear()

    harness.clock.now += 30
    harness.pass_time(300)

    assert harness.airflow.questions == {}


def test_everything_flows_within_half_a_minute_of_airflows_first_answer() -> None:
    """Also rows that were tried again and again, and those that wait because of an unclear answer."""
    harness = two_lanes()
    harness.fill("bad", 300)
    harness.fill("good", 300)
    harness.airflow.answer = failing(AirflowUnclear("502"), names={"good/000000"})
    harness.drain()
    harness.airflow.answer = failing(AirflowUnclear("502"))
    harness.fill("good", 301)
    harness.airflow.down = AirflowUnreachable("down")
    harness.pass_time(3_600)
    assert harness.waiting

    harness.airflow.answer, harness.airflow.down = well, None
    harness.clock.now += 30
    harness.drain()

    assert harness.waiting == []
    assert harness.storage.outbox.rows == {}


def test_recovered_airflow_gets_one_call_first() -> None:
    """The probe is the slow start of everything."""
    harness = two_lanes()
    harness.fill("bad", 20)
    harness.fill("good", 20)
    harness.airflow.answer = failing(VaultUnavailable("x"))
    harness.drain()
    in_flight: list[int] = []

    def answer(run: RunRequest) -> None:
        in_flight.append(sum(harness.airflow.in_flight.values()))

    harness.airflow.answer = answer
    harness.airflow.runs.clear()
    harness.clock.now += 30
    harness.drain()

    assert in_flight[0] == 1
    assert len(harness.airflow.runs) == 40


def test_poisoned_name_at_the_head_does_not_hold_everything_for_ever() -> None:
    """The probe fails, but a question of its own is answered."""
    harness = OutboxHarness()
    harness.park("poisoned", "a", "b")
    harness.airflow.answer = failing(CredentialsRefused("403"))
    harness.airflow.waiting = CredentialsRefused("403")
    harness.drain()
    assert harness.hold(EVERYTHING)

    harness.airflow.answer = failing(CredentialsRefused("403"), names={"poisoned"})
    harness.airflow.waiting = 0
    harness.pass_time(90)

    assert len(harness.airflow.runs) == 2
    assert harness.state(EVERYTHING) is None


def test_probe_comes_with_the_next_tick_although_the_failed_call_took_time() -> None:
    """Otherwise each second tick does nothing, and an outage lasts half a minute longer."""
    harness = OutboxHarness()
    harness.park("a")

    def answer(run: RunRequest) -> None:
        harness.clock.sleep(8)
        msg = "down"
        raise VaultUnavailable(msg)

    harness.airflow.answer = answer
    harness.pass_time(300)

    assert len(harness.airflow.calls) == 10


def test_row_that_waits_for_an_unclear_answer_is_due_when_the_outage_ends() -> None:
    """It would wait for minutes: it was tried often."""
    harness = two_lanes()
    harness.fill("good", 2)
    harness.waiting[1].update(
        reason="airflow_unclear", not_before=harness.clock.time() + timedelta(seconds=290)
    )
    harness.outbox.hold(EVERYTHING, VaultUnavailable("x"))
    harness.clock.now += 30

    harness.drain()

    assert harness.sent == ["good/000000", "good/000001"]


def test_vault_that_is_down_for_an_hour_costs_a_line_a_minute() -> None:
    """Not one for each of the events that wait, nor for each tick."""
    harness = OutboxHarness()
    harness.park(*[str(number) for number in range(500)])
    harness.airflow.answer = failing(VaultUnavailable("x"))

    harness.pass_time(3_600)

    assert 1 <= harness.log.counts.total() <= 60
    assert len(harness.airflow.calls) <= 121
