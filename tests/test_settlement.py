"""The settlement: what is written for an event that was tried, and what its failure says about others."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.errors import (
    AirflowUnclear,
    AtCapacity,
    DagMissing,
    OnHold,
    RateLimited,
    RetryableError,
    RunRefused,
    Scope,
    VaultUnavailable,
)
from shared.model.lane import EVERYTHING, Lane
from shared.model.pending import Pending
from shared.settlement import Outcome, Settlement
from shared.storage.tables import Entity
from tests.support.harness import DEFAULT, OutboxHarness
from tests.support.samples import blob_event

PENDING = Pending(container="landing", name="a", event=blob_event(name="a"), lane=DEFAULT, run_id="r")


def _settlement(harness: OutboxHarness) -> Settlement:
    return harness.ingest._settlement


@pytest.mark.parametrize(
    ("error", "held"),
    [
        (AirflowUnclear("x"), None),
        (DagMissing("x"), DEFAULT),
        (VaultUnavailable("x"), EVERYTHING),
        (OnHold("x"), None),
        (RateLimited("x"), None),
    ],
)
def test_failure_holds_what_it_says_something_about(error: RetryableError, held: Lane | None) -> None:
    """The event, its lane, or everything."""
    harness = OutboxHarness()

    assert _settlement(harness).wait(PENDING, error) is Outcome.WAITING

    states = [lane for lane in (DEFAULT, EVERYTHING) if harness.state(lane)]
    assert states == ([held] if held else [])
    assert len(harness.waiting) == 1


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(AirflowUnclear("x"), 20), (DagMissing("x"), 0), (OnHold("x"), 0), (RateLimited("x"), 0)],
)
def test_only_the_events_own_trouble_gives_it_a_time_of_its_own(error: RetryableError, seconds: int) -> None:
    """What waits for a hold or for room is due as soon as that ends."""
    harness = OutboxHarness()

    after = _settlement(harness).after_failure(PENDING, error)

    if not seconds:
        assert after.not_before is None
    else:
        assert after.not_before is not None
        assert timedelta(seconds=10) < after.not_before - harness.clock.time() <= timedelta(seconds=seconds)


def test_scope_that_was_judged_counts_not_that_of_the_class() -> None:
    """An unclear answer while Airflow is down is Airflow's."""
    harness = OutboxHarness()
    error = AirflowUnclear("x")
    error.scope = Scope.AIRFLOW

    _settlement(harness).wait(PENDING, error)

    assert harness.state(EVERYTHING) is not None
    assert _settlement(harness).after_failure(PENDING, error).not_before is None


@pytest.mark.parametrize("error", [RateLimited("x"), AtCapacity("x")])
def test_row_that_waits_for_room_only_asks_for_a_drain(error: RetryableError) -> None:
    """By the invocation that brought it."""
    harness = OutboxHarness()

    _settlement(harness).wait(PENDING, error)

    assert harness.dispatcher._requested.is_set()


def test_row_is_written_before_its_lane_is_held() -> None:
    """A hold without its row would be dropped; a row without its hold is tried once more."""
    harness = OutboxHarness()
    written: list[str] = []

    def note(name: str, entity: Entity | None) -> None:
        if entity is not None:
            written.append(str(entity["RowKey"])[0])

    harness.storage.outbox.faults.append(note)
    _settlement(harness).wait(PENDING, DagMissing("x"))

    assert written == ["r", "!"]


def test_history_counts_by_reason() -> None:
    """With the first and the last time."""
    harness = OutboxHarness()
    settlement = _settlement(harness)
    once = settlement.after_failure(PENDING, AirflowUnclear("x"))
    harness.clock.now += 60

    twice = settlement.after_failure(once, AirflowUnclear("y"))

    failures = twice.history["airflow_unclear"]
    assert (failures.count, failures.last - failures.first) == (2, timedelta(seconds=60))
    assert twice.message == "y"


def test_dead_event_is_kept_with_its_conf() -> None:
    """For a person to look at."""
    harness = OutboxHarness()

    assert _settlement(harness).die(PENDING, RunRefused("no"), conf={"k": 1}) is Outcome.DEAD
    [letter] = harness.dead
    assert (letter["reason"], letter["conf"]) == ("run_refused", '{"k": 1}')


@pytest.mark.parametrize(
    ("error", "level"), [(AirflowUnclear("x"), "WARNING"), (OnHold("x"), "INFO"), (RateLimited("x"), "INFO")]
)
def test_only_trouble_of_its_own_is_a_warning(
    error: RetryableError, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A hold is said once, not once for each event."""
    with caplog.at_level("INFO"):
        _settlement(OutboxHarness()).log_waiting(PENDING, error)

    assert [record.levelname for record in caplog.records] == [level]


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (Outcome.CREATED, 'run.created seconds=90.2 blob="landing/a" size=1234 route="default"'),
        (Outcome.ALREADY_THERE, 'run.already_there blob="landing/a" size=1234 route="default"'),
        (Outcome.DROPPED, 'run.dropped blob="landing/a" size=1234 route="default"'),
    ],
)
def test_settled_run_is_logged_with_its_route_and_the_time_since_its_event(
    outcome: Outcome, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    """When a run that is there already was created is not known."""
    harness = OutboxHarness()
    event = blob_event(name="a", event_time=harness.clock.time())
    harness.clock.now += 90.25

    with caplog.at_level("INFO"):
        _settlement(harness).delivered(replace(PENDING, event=event), outcome)

    assert [record.getMessage() for record in caplog.records] == [f'{line} dag_id="copy_file" run_id="r"']
