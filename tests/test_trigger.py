"""The trigger module, new events: an event in, an outcome for each DAG run out."""

import pytest
from shared.delivery_context import send_by_dispatcher

from shared.airflow.client import Delivery
from shared.delivery.retry import Retrier
from shared.model.errors import (
    AirflowBusy,
    AirflowUnclear,
    AirflowUnreachable,
    BlobToDagError,
    CopyPending,
    CredentialsRefused,
    DagMissing,
    Misconfigured,
    RunRefused,
    StorageUnavailable,
)
from shared.model.run_id import run_id
from shared.model.run_request import RunRequest
from shared.trigger import Outcome
from tests.support.fakes import AIRFLOW_URL, FakeAirflow, FakeClock, FakePlace, Stage, routes
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


def _handle(stage: Stage, **changes: object) -> list[Outcome]:
    return stage.trigger.handle(blob_event(**changes), stage.turn())


def test_event_becomes_one_run_of_the_dag() -> None:
    """DAG, run id and conf are derived from the event alone."""
    stage = Stage()

    assert _handle(stage) == [Outcome.CREATED]
    [run] = stage.airflow.calls
    assert run.dag_id == "copy_file"
    assert run.run_id == run_id(blob_event(), route="default")
    assert run.conf["filename"] == "orders/2026/11/20.csv"
    assert stage.log.counts == {"blob.observed": 1, "run.created": 1}


def test_second_delivery_of_a_version_finds_its_run() -> None:
    """The same run id is posted again."""
    stage = Stage()

    assert _handle(stage) + _handle(stage) == [Outcome.CREATED, Outcome.ALREADY_THERE]
    assert len(stage.airflow.runs) == 1


def test_event_is_logged_with_name_and_size_whatever_follows(caplog: pytest.LogCaptureFixture) -> None:
    """What came is on record before anything is tried, one line each."""
    stage = Stage(airflow=FakeAirflow(errors=[AirflowUnclear("no answer")]))

    with caplog.at_level("INFO"):
        _handle(stage, name="a\nb.csv", size=7)

    observed, parked = [record.getMessage() for record in caplog.records]
    assert observed.startswith('blob.observed blob="landing/a\\nb.csv" size=7 ')
    assert parked.startswith(
        'run.parked blob="landing/a\\nb.csv" size=7 route="default" reason="airflow_unclear"'
    )


@pytest.mark.parametrize(
    "error", [AirflowUnreachable("x"), CredentialsRefused("x"), DagMissing("x"), AirflowBusy("x")]
)
def test_run_that_was_surely_not_sent_is_parked_free_to_follow_new_routes(error: BlobToDagError) -> None:
    """Only its route is kept: the DAG may be another one when its turn comes."""
    stage = Stage(airflow=FakeAirflow(errors=[error]))

    assert _handle(stage) == [Outcome.PARKED]
    [(parked, _)] = stage.place.parked
    assert (parked.event, parked.route, parked.pin) == (blob_event(), "default", None)
    assert parked.history == {error.code: 1}


def test_run_that_may_have_been_sent_is_pinned_to_its_dag_and_airflow() -> None:
    """The same run id must be posted to the same place, nowhere else."""
    stage = Stage(airflow=FakeAirflow(errors=[AirflowUnclear("reset")]))

    assert _handle(stage) == [Outcome.PARKED]
    [(parked, _)] = stage.place.parked
    assert parked.pin is not None
    assert (parked.pin.dag_id, parked.pin.airflow) == ("copy_file", AIRFLOW_URL)


def test_pin_comes_from_any_attempt_not_only_the_last() -> None:
    """A reset, then a refused connection: the first request may have been carried out all the same."""
    clock = FakeClock()
    airflow = FakeAirflow(errors=[AirflowUnclear("reset"), *[AirflowUnreachable("down")] * 50])
    stage = Stage(airflow=airflow, retry=Retrier(budget_seconds=20, clock=clock, sleep=clock.sleep))

    assert _handle(stage) == [Outcome.PARKED]
    [(parked, _)] = stage.place.parked
    assert parked.history == {"airflow_unreachable": 1}
    assert parked.pin is not None


def test_refused_run_becomes_a_dead_letter() -> None:
    """What can never succeed is not tried again, and not lost."""
    refusal = RunRefused("Invalid input for param filename")
    stage = Stage(airflow=FakeAirflow(errors=[refusal]))

    assert _handle(stage) == [Outcome.DEAD]
    [(parked, error, dag_id)] = stage.graveyard.buried
    assert (parked.event, error, dag_id) == (blob_event(), refusal, "copy_file")
    assert stage.place.parked == []


def test_event_that_cannot_be_kept_fails_the_invocation() -> None:
    """The platform's own retries take over."""
    stage = Stage(
        airflow=FakeAirflow(errors=[AirflowUnclear("x")]), place=FakePlace(error=StorageUnavailable("down"))
    )

    with pytest.raises(StorageUnavailable):
        _handle(stage)


def test_each_route_that_fires_has_an_outcome_of_its_own() -> None:
    """One that fails does not keep the other from being delivered."""
    stage = Stage(airflow=FakeAirflow(errors=[RunRefused("no"), None]), table=routes(TWO_ROUTES))

    assert _handle(stage) == [Outcome.DEAD, Outcome.CREATED]
    assert {run.dag_id for run in stage.airflow.runs.values()} == {"two"}
    assert len({run.run_id for run in stage.airflow.calls}) == 2


def test_blob_that_no_route_wants_is_logged() -> None:
    """Nobody has to guess why nothing ran."""
    stage = Stage(table=routes(TWO_ROUTES))

    assert _handle(stage, container="elsewhere") == []
    assert stage.log.counts["blob.skipped"] == 1


def test_pending_copy_is_nothing_to_deliver_yet() -> None:
    """Its size and content are not final, and its end changes the ETag."""
    stage = Stage()

    with pytest.raises(CopyPending):
        _handle(stage, copy_status="pending")

    assert (stage.airflow.calls, stage.place.parked) == ([], [])


def test_append_blob_starts_no_run_and_is_logged() -> None:
    """It is raised when it is created and empty; nothing tells of its content."""
    stage = Stage()

    assert _handle(stage, blob_type="AppendBlob", size=0) == []
    assert stage.log.counts["blob.skipped"] == 1


def test_global_cap_sends_everything_through_the_dispatcher() -> None:
    """A cap holds over all instances only if one sends."""
    stage = Stage(admit=send_by_dispatcher)

    assert _handle(stage) == [Outcome.PARKED]
    [(parked, delay)] = stage.place.parked
    assert (parked.history, delay) == ({"paced": 1}, 1)
    assert stage.airflow.calls == []


def test_route_with_a_cap_of_its_own_waits_for_the_dispatcher() -> None:
    """The same for one route only."""
    capped = TWO_ROUTES + "max_runs_per_minute = 5\n"
    stage = Stage(table=routes(capped))

    assert _handle(stage) == [Outcome.CREATED, Outcome.PARKED]


@pytest.mark.parametrize(
    ("when_paused", "outcome", "runs"),
    [("queue", Outcome.CREATED, 1), ("hold", Outcome.PARKED, 0), ("drop", Outcome.DROPPED, 0)],
)
def test_paused_dag_gets_what_its_route_says(when_paused: str, outcome: Outcome, runs: int) -> None:
    """Airflow keeps it, we keep it, or nobody does."""
    toml = f'[[route]]\nname = "r"\nmatch = "**"\ndag_id = "d"\nwhen_paused = "{when_paused}"\n'
    stage = Stage(airflow=FakeAirflow(paused={"d"}), table=routes(toml))

    assert _handle(stage) == [outcome]
    assert len(stage.airflow.runs) == runs
    assert stage.log.counts[f"run.{outcome.value}"] == 1


@pytest.mark.parametrize("when_paused", ["hold", "drop"])
def test_question_that_fails_pins_nothing_and_skips_nothing(when_paused: str) -> None:
    """Whether a DAG is paused is only asked: the run is asked again about it, not sent."""

    class DeafAirflow(FakeAirflow):
        def is_paused(self, dag_id: str) -> bool:
            msg = "no answer"
            raise AirflowUnclear(msg)

    clock = FakeClock()
    toml = f'[[route]]\nname = "r"\nmatch = "**"\ndag_id = "d"\nwhen_paused = "{when_paused}"\n'
    stage = Stage(
        airflow=DeafAirflow(),
        table=routes(toml),
        retry=Retrier(budget_seconds=20, clock=clock, sleep=clock.sleep),
    )

    assert _handle(stage) == [Outcome.PARKED]
    assert stage.airflow.calls == []
    assert stage.place.parked[0][0].pin is None


def test_missing_credentials_are_said_once_and_loudly(caplog: pytest.LogCaptureFixture) -> None:
    """Not once for each blob, and not as information."""
    stage = Stage(airflow=FakeAirflow(errors=[Misconfigured("no password")] * 3))
    trigger = stage.trigger

    with caplog.at_level("INFO"):
        for _ in range(3):
            trigger.handle(blob_event(), stage.turn())

    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == ['app.misconfigured message="no password"']
    assert len(stage.place.parked) == 3


def test_failure_while_a_breaker_is_open_is_one_of_airflow_not_of_the_event() -> None:
    """It waits for seconds, so that it flows when the outage is over."""
    airflow = FakeAirflow(errors=[AirflowUnclear("503", retry_after_seconds=86_400)], is_open=True)
    stage = Stage(airflow=airflow)

    _handle(stage)

    assert stage.place.parked[0][1] == 3_600  # what was asked for, within the limit

    stage = Stage(airflow=FakeAirflow(errors=[AirflowUnclear("503")], is_open=True))

    _handle(stage)

    assert stage.place.parked[0][1] == 5


def test_event_that_takes_too_long_goes_on_from_the_queue() -> None:
    """Many routes and a slow Airflow must not run into the function's time-out."""
    clock = FakeClock()
    toml = "".join(f'[[route]]\nname = "r{n}"\nmatch = "**"\ndag_id = "d{n}"\n' for n in range(5))

    class SlowAirflow(FakeAirflow):
        def trigger(self, run: RunRequest) -> Delivery:
            clock.now += 40
            return super().trigger(run)

    stage = Stage(airflow=SlowAirflow(), table=routes(toml), clock=clock)

    assert _handle(stage) == [Outcome.CREATED] * 3 + [Outcome.PARKED] * 2
