"""The trigger module: an event in, exactly one outcome for each DAG run out."""

from typing import Any

import pytest

from shared.airflow.time_limit import time_limit
from shared.model.errors import (
    AirflowBusy,
    AirflowUnclear,
    AirflowUnreachable,
    BlobToDagError,
    CopyPending,
    DagMissing,
    Misconfigured,
    RunRefused,
    StorageUnavailable,
)
from shared.model.lane import EVERYTHING
from shared.model.pending import Target
from shared.model.run_id import run_id
from shared.model.run_request import RunRequest
from shared.routes.table import RouteTable
from shared.settlement import Outcome
from shared.storage.tables import Entity
from shared.trigger import Trigger
from tests.support.fakes import routes
from tests.support.harness import AIRFLOW_URL, DEFAULT, OutboxHarness, failing
from tests.support.samples import blob_event

TWO_ROUTES = """
[[route]]
name = "first"
match = "landing/**"
dag_id = "one"
[[route]]
name = "second"
match = "landing/**"
dag_id = "two"
"""
SENT = "sent_" + Target(dag_id=DEFAULT.dag_id, airflow=AIRFLOW_URL).digest


def _handle(harness: OutboxHarness, **changes: Any) -> list[Outcome]:
    trigger: Trigger = harness.ingest._trigger
    return trigger.handle(blob_event(**changes))


def _harness(answer: BlobToDagError | None = None, table: RouteTable | None = None) -> OutboxHarness:
    harness = OutboxHarness(table)
    if answer:
        harness.airflow.answer = failing(answer)
    return harness


def test_event_whose_invocation_has_no_time_left_waits_and_holds_nothing() -> None:
    """Nothing is sent that the platform might kill; the next drain sends it."""
    harness = _harness()

    with time_limit(0):
        assert _handle(harness) == [Outcome.WAITING]

    assert harness.airflow.calls == []
    assert harness.state(EVERYTHING) is None
    assert harness.state() is None
    assert harness.drain() == 1


def test_event_becomes_one_run_of_the_dag() -> None:
    """DAG, run id and conf are derived from the event alone."""
    harness = _harness()

    assert _handle(harness) == [Outcome.CREATED]
    [run] = harness.airflow.calls
    assert run.dag_id == "copy_file"
    assert run.run_id == run_id(blob_event(), route="default")
    assert run.conf["filename"] == "orders/2026/11/20.csv"
    assert harness.log.counts == {"blob.observed": 1, "run.created": 1}


def test_second_delivery_of_a_version_finds_its_run() -> None:
    """The same run id is posted again."""
    harness = _harness()

    assert _handle(harness) + _handle(harness) == [Outcome.CREATED, Outcome.ALREADY_THERE]
    assert len(harness.airflow.runs) == 1


def test_event_is_logged_with_name_and_size_whatever_follows(caplog: pytest.LogCaptureFixture) -> None:
    """What came is on record before anything is tried, one line each."""
    harness = _harness(AirflowUnclear("no answer"))

    with caplog.at_level("INFO"):
        _handle(harness, name="a\nb.csv", size=7)

    observed, waiting = [record.getMessage() for record in caplog.records]
    assert observed.startswith('blob.observed blob="landing/a\\nb.csv" size=7 ')
    assert waiting.startswith(
        'run.waiting blob="landing/a\\nb.csv" size=7 route="default" reason="airflow_unclear"'
    )


@pytest.mark.parametrize("error", [AirflowUnreachable("x"), DagMissing("x"), AirflowBusy("x")])
def test_run_that_was_surely_not_sent_waits_without_a_mark(error: BlobToDagError) -> None:
    """It may go to another Airflow."""
    harness = _harness(error)

    assert _handle(harness) == [Outcome.WAITING]
    [row] = harness.waiting
    assert row["reason"] == error.code
    assert not any(name.startswith("sent_") for name in row)


def test_run_that_may_have_been_sent_is_marked_with_its_dag_and_airflow() -> None:
    """The same run id must be posted to the same place, nowhere else."""
    harness = _harness(AirflowUnclear("reset"))

    assert _handle(harness) == [Outcome.WAITING]
    assert SENT in harness.waiting[0]


def test_mark_comes_from_any_attempt_not_only_the_last() -> None:
    """A reset, then a refused connection: the first request may have been carried out all the same."""
    harness = OutboxHarness(AIRFLOW_RETRY_BUDGET_SECONDS="20")
    errors = iter([AirflowUnclear("reset")])

    def answer(run: RunRequest) -> None:
        raise next(errors, AirflowUnreachable("down"))

    harness.airflow.answer = answer

    assert _handle(harness) == [Outcome.WAITING]
    [row] = harness.waiting
    assert row["reason"] == "airflow_unreachable"
    assert SENT in row


def test_refused_run_becomes_a_dead_letter() -> None:
    """What can never succeed is not tried again, and not lost."""
    harness = _harness(RunRefused("Invalid input for param filename"))

    assert _handle(harness) == [Outcome.DEAD]
    [letter] = harness.dead
    assert letter["message"] == "Invalid input for param filename"
    assert '"filename"' in letter["conf"]
    assert harness.waiting == []


def test_event_that_cannot_be_kept_fails_the_invocation() -> None:
    """The platform's own retries take over."""
    harness = _harness(AirflowUnclear("x"))

    def fault(name: str, entity: Entity | None) -> None:
        msg = "down"
        raise StorageUnavailable(msg)

    harness.storage.outbox.faults.append(fault)

    with pytest.raises(StorageUnavailable):
        _handle(harness)


def test_each_route_that_fires_has_an_outcome_of_its_own() -> None:
    """One that fails does not keep the other from being delivered."""
    harness = _harness(table=routes(TWO_ROUTES))
    harness.airflow.answer = failing(RunRefused("no"), dags={"one"})

    assert _handle(harness) == [Outcome.DEAD, Outcome.CREATED]
    assert {dag_id for dag_id, _ in harness.airflow.runs} == {"two"}
    assert len({run.run_id for run in harness.airflow.calls}) == 2


def test_blob_that_no_route_wants_is_logged() -> None:
    """Nobody has to guess why nothing ran."""
    harness = _harness(table=routes(TWO_ROUTES))

    assert _handle(harness, container="elsewhere") == []
    assert harness.log.counts["blob.skipped"] == 1


def test_pending_copy_is_nothing_to_deliver_yet() -> None:
    """Its size and content are not final, and its end changes the ETag."""
    harness = _harness()

    with pytest.raises(CopyPending):
        _handle(harness, copy_status="pending")

    assert (harness.airflow.calls, harness.waiting) == ([], [])


def test_route_with_a_cap_of_its_own_goes_through_the_outbox() -> None:
    """A cap holds over all instances only if one drain sends everything."""
    harness = _harness(table=routes(TWO_ROUTES + "max_runs_per_minute = 5\n"))

    assert _handle(harness) == [Outcome.CREATED, Outcome.WAITING]
    assert harness.waiting[0]["reason"] == "rate_limited"


@pytest.mark.parametrize(
    ("when_paused", "outcome", "runs"),
    [("queue", Outcome.CREATED, 1), ("hold", Outcome.WAITING, 0), ("drop", Outcome.DROPPED, 0)],
)
def test_paused_dag_gets_what_its_route_says(when_paused: str, outcome: Outcome, runs: int) -> None:
    """Airflow keeps it, we keep it, or nobody does."""
    toml = f'[[route]]\nname = "r"\nmatch = "**"\ndag_id = "d"\nwhen_paused = "{when_paused}"\n'
    harness = _harness(table=routes(toml))
    harness.airflow.paused = {"d"}

    assert _handle(harness) == [outcome]
    assert len(harness.airflow.runs) == runs
    assert harness.log.counts[f"run.{outcome.value}"] == 1
    noted = [(claim["reason"], claim["who"]) for claim in harness.storage.settled.rows.values()]
    assert noted == ([("dropped", "when_paused")] if when_paused == "drop" else [])


@pytest.mark.parametrize("when_paused", ["hold", "drop"])
def test_question_that_fails_marks_nothing_and_drops_nothing(when_paused: str) -> None:
    """Whether a DAG is paused is only asked: nothing was sent."""
    toml = f'[[route]]\nname = "r"\nmatch = "**"\ndag_id = "d"\nwhen_paused = "{when_paused}"\n'
    harness = _harness(table=routes(toml))
    harness.airflow.down = AirflowUnreachable("no answer")

    assert _handle(harness) == [Outcome.WAITING]
    assert harness.airflow.calls == []
    assert not any(name.startswith("sent_") for name in harness.waiting[0])


def test_failure_of_a_lane_holds_it_and_live_calls_keep_away() -> None:
    """The next file of the lane costs no call; another lane's does."""
    harness = _harness(table=routes(TWO_ROUTES))
    harness.airflow.answer = failing(DagMissing("no such DAG"), dags={"one"})

    assert _handle(harness, name="a") == [Outcome.WAITING, Outcome.CREATED]
    assert _handle(harness, name="b") == [Outcome.WAITING, Outcome.CREATED]

    assert [run.dag_id for run in harness.airflow.calls] == ["one", "two", "two"]
    assert {row["reason"] for row in harness.waiting} == {"dag_missing", "on_hold"}


def test_outage_holds_everything_after_one_event() -> None:
    """The next events cost no call and no wait."""
    harness = _harness(AirflowUnreachable("down"))
    harness.airflow.down = AirflowUnreachable("down")

    _handle(harness, name="a")
    calls = len(harness.airflow.calls)
    for number in range(20):
        _handle(harness, name=str(number))

    assert len(harness.airflow.calls) == calls
    state = harness.state(EVERYTHING)
    assert state is not None
    assert state.hold is not None


def test_retries_end_as_soon_as_another_event_found_out() -> None:
    """An event does not try on for twenty seconds against a hold."""
    harness = OutboxHarness(AIRFLOW_RETRY_BUDGET_SECONDS="20")

    def answer(run: RunRequest) -> None:
        if len(harness.airflow.calls) == 2:
            harness.ingest._trigger._holds.believe(harness.outbox.hold(EVERYTHING, AirflowBusy("429")))
        msg = "reset"
        raise AirflowUnclear(msg)

    harness.airflow.answer = answer
    _handle(harness)

    assert len(harness.airflow.calls) == 2
    assert SENT in harness.waiting[0]


def test_missing_credentials_are_said_once_and_loudly(caplog: pytest.LogCaptureFixture) -> None:
    """Not once for each blob, and not as information."""
    harness = _harness(Misconfigured("no password"))

    with caplog.at_level("INFO"):
        for number in range(3):
            _handle(harness, name=str(number))

    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    [error] = errors
    assert 'reason="misconfigured"' in error
    assert 'message="no password"' in error
    assert len(harness.waiting) == 3


def test_event_that_takes_too_long_goes_on_from_the_outbox() -> None:
    """Many routes and a slow Airflow must not run into the function's time-out."""
    toml = "".join(f'[[route]]\nname = "r{n}"\nmatch = "**"\ndag_id = "d{n}"\n' for n in range(5))
    harness = _harness(table=routes(toml))
    harness.airflow.answer = lambda _: harness.clock.sleep(40)

    assert _handle(harness) == [Outcome.CREATED] * 3 + [Outcome.WAITING] * 2
    harness.airflow.answer = lambda _: None
    harness.drain()
    assert len(harness.airflow.runs) == 5


def test_hold_that_cannot_be_written_does_not_fail_the_event() -> None:
    """Its row is safe; the next event tries again."""
    harness = _harness(DagMissing("x"))

    def fault(name: str, entity: Entity | None) -> None:
        if name in {"get", "upsert"}:
            msg = "503"
            raise StorageUnavailable(msg)

    harness.storage.outbox.faults.append(fault)

    assert _handle(harness) == [Outcome.WAITING]
    assert harness.log.counts["hold.failed"] == 1
    assert len(harness.waiting) == 1
