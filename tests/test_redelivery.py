"""The trigger module, parked events: what was sent stays where it was sent, the rest follows the routes."""

from datetime import timedelta

import pytest

from shared.model.errors import AirflowUnclear, AirflowUnreachable, DagMissing
from shared.model.pending import Parked, Pin
from shared.trigger import Outcome
from tests.support.fakes import AIRFLOW_URL, FakeAirflow, Stage, routes
from tests.support.samples import blob_event

NEW_DAG = '[[route]]\nname = "default"\nmatch = "**"\ndag_id = "new_dag"\n'
OTHER_ROUTE = '[[route]]\nname = "other"\nmatch = "**"\ndag_id = "other_dag"\n'


def _parked(pin: Pin | None = None, **history: int) -> Parked:
    event = blob_event()
    return Parked(
        container=event.container, name=event.name, event=event, route="default", history=history, pin=pin
    )


def _again(stage: Stage, parked: Parked, *, age: timedelta = timedelta(0)) -> Outcome:
    assert parked.event is not None
    return stage.trigger.redeliver(parked, parked.event, "default", stage.turn(age=age))


def test_delivered_run_gives_its_place_up() -> None:
    """The message goes once the run is there."""
    stage = Stage()

    assert _again(stage, _parked()) is Outcome.CREATED
    assert stage.place.left == 1


def test_unsent_run_follows_the_route_as_it_is_now() -> None:
    """A DAG that was renamed while events were parked gets them."""
    stage = Stage(table=routes(NEW_DAG))

    assert _again(stage, _parked()) is Outcome.CREATED
    assert [run.dag_id for run in stage.airflow.calls] == ["new_dag"]


@pytest.mark.parametrize("toml", [NEW_DAG, OTHER_ROUTE])
def test_run_that_may_have_been_sent_keeps_its_dag(toml: str) -> None:
    """Route edited or gone: the same run id goes to the same DAG."""
    stage = Stage(table=routes(toml))
    pinned = _parked(Pin(dag_id="copy_file", airflow=AIRFLOW_URL))

    assert _again(stage, pinned) is Outcome.CREATED
    [run] = stage.airflow.calls
    assert run.dag_id == "copy_file"
    assert run.conf["route"] == "default"
    assert run.run_id == Stage().trigger._run_again(_parked(), blob_event(), "default").run_id


def test_unsent_run_of_a_route_that_is_gone_becomes_a_dead_letter() -> None:
    """Nobody asks for it any more, and a person should know."""
    stage = Stage(table=routes(OTHER_ROUTE))

    assert _again(stage, _parked()) is Outcome.DEAD
    assert [error.code for _, error, _ in stage.graveyard.buried] == ["route_missing"]
    assert stage.place.left == 1


def test_run_that_may_be_in_another_airflow_waits() -> None:
    """Posting it here could run it twice; forgetting it could lose it."""
    stage = Stage()
    pinned = _parked(Pin(dag_id="copy_file", airflow="https://old.example.com"))

    assert _again(stage, pinned) is Outcome.PARKED
    assert stage.airflow.calls == []
    [(parked, _)] = stage.place.parked
    assert parked.pin == pinned.pin


def test_history_and_delay_grow_with_each_failure() -> None:
    """Doubling, from 30 s to an hour."""
    delays = []
    parked = _parked()
    for _ in range(9):
        stage = Stage(airflow=FakeAirflow(errors=[AirflowUnclear("500")]))
        _again(stage, parked)
        [(parked, delay)] = stage.place.parked
        delays.append(delay)

    assert delays == [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]
    assert parked.history == {"airflow_unclear": 9}


def test_outage_does_not_make_an_event_wait_longer() -> None:
    """It says nothing about the event, which is to flow as soon as the outage is over."""
    stage = Stage(airflow=FakeAirflow(errors=[AirflowUnreachable("down")]))

    _again(stage, _parked(airflow_unreachable=500))

    [(parked, delay)] = stage.place.parked
    assert (delay, parked.history) == (5, {"airflow_unreachable": 501})


def test_pin_is_never_taken_away() -> None:
    """A later attempt that surely sent nothing does not undo an earlier one."""
    stage = Stage(airflow=FakeAirflow(errors=[AirflowUnreachable("down")]))
    pin = Pin(dag_id="copy_file", airflow=AIRFLOW_URL)

    _again(stage, _parked(pin))

    assert stage.place.parked[0][0].pin == pin


@pytest.mark.parametrize(("days", "outcome"), [(6.9, Outcome.PARKED), (7.0, Outcome.DEAD)])
def test_missing_dag_is_awaited_for_seven_days(days: float, outcome: Outcome) -> None:
    """It may not be deployed yet; after that a person must look."""
    stage = Stage(airflow=FakeAirflow(errors=[DagMissing("no such DAG"), DagMissing("no such DAG")]))
    _again(stage, _parked(), age=timedelta(days=30))
    [(parked, _)] = stage.place.parked

    assert _again(stage, parked, age=timedelta(days=30 + days)) is outcome


def test_long_outage_before_the_dag_is_missing_does_not_count() -> None:
    """An Airflow that returns before its DAGs are read must not kill what waited for it."""
    stage = Stage(airflow=FakeAirflow(errors=[AirflowUnreachable("down"), DagMissing("not read yet")]))
    _again(stage, _parked(), age=timedelta(days=20))
    [(parked, _)] = stage.place.parked

    assert _again(stage, parked, age=timedelta(days=20)) is Outcome.PARKED


def test_time_of_missing_starts_anew_after_another_answer() -> None:
    """In a row means in a row."""
    stage = Stage(airflow=FakeAirflow(errors=[DagMissing("x"), AirflowUnreachable("down"), DagMissing("x")]))
    parked = _parked()
    for day in (0, 5, 10):
        assert _again(stage, parked, age=timedelta(days=day)) is Outcome.PARKED
        parked = stage.place.parked[-1][0]

    assert parked.missing_for(timedelta(days=11)) == timedelta(days=1)


def test_former_address_of_the_same_airflow_is_the_same_airflow() -> None:
    """After a move to another name, what may have been sent is settled there."""
    stage = Stage(former_urls=frozenset({"https://old.example.com"}))
    pinned = _parked(Pin(dag_id="copy_file", airflow="https://old.example.com"))

    assert _again(stage, pinned) is Outcome.CREATED


def test_outage_never_becomes_a_dead_letter() -> None:
    """However long."""
    stage = Stage(airflow=FakeAirflow(errors=[AirflowUnreachable("down")]))

    assert _again(stage, _parked(), age=timedelta(days=400)) is Outcome.PARKED
