"""The trigger module: a blob event in, an outcome for each DAG run out."""

from collections.abc import Callable

import pytest

from shared.airflow.client import Delivery
from shared.errors import AirflowUnclear, BlobToDagError, CopyPending, RunRefused
from shared.event_log import EventLog
from shared.run_id import run_id
from shared.run_request import RunRequest
from shared.trigger import Trigger
from tests.samples import blob_event


class FakeAirflow:
    """Keeps what it was asked for; raises `error` if it has one."""

    def __init__(self, error: BlobToDagError | None = None) -> None:
        self.runs: list[RunRequest] = []
        self.error = error

    def trigger(self, run: RunRequest) -> Delivery:
        if self.error:
            raise self.error
        self.runs.append(run)
        return Delivery.CREATED if self.runs.count(run) == 1 else Delivery.ALREADY_THERE


def once[T](attempt: Callable[[], T]) -> T:
    """Retry nothing."""
    return attempt()


def _trigger(airflow: FakeAirflow) -> tuple[Trigger, EventLog]:
    log = EventLog()
    return Trigger(airflow, once, log, dag_id="copy_file"), log


def test_event_becomes_one_run_of_the_dag() -> None:
    """DAG, run id and conf are derived from the event alone."""
    airflow = FakeAirflow()
    trigger, log = _trigger(airflow)

    [outcome] = trigger.handle(blob_event())

    assert outcome.delivery is Delivery.CREATED
    assert airflow.runs == [outcome.run]
    assert outcome.run.dag_id == "copy_file"
    assert outcome.run.run_id == run_id(blob_event(), route="default")
    assert outcome.run.conf["filename"] == "orders/2026/11/20.csv"
    assert log.counts == {"blob.observed": 1, "run.created": 1}


def test_second_delivery_of_a_version_finds_its_run() -> None:
    """The same run id is posted again."""
    airflow = FakeAirflow()
    trigger, log = _trigger(airflow)

    outcomes = [trigger.handle(blob_event())[0].delivery for _ in range(2)]

    assert outcomes == [Delivery.CREATED, Delivery.ALREADY_THERE]
    assert log.counts["run.already_there"] == 1


def test_event_is_logged_with_name_and_size_even_if_airflow_fails(caplog: pytest.LogCaptureFixture) -> None:
    """What came is on record before anything is tried."""
    trigger, _ = _trigger(FakeAirflow(AirflowUnclear("no answer")))

    with caplog.at_level("INFO"), pytest.raises(AirflowUnclear):
        trigger.handle(blob_event(name="a\nb.csv", size=7))

    observed, failed = [record.getMessage() for record in caplog.records]
    assert observed.startswith('blob.observed blob="landing/a\\nb.csv" size=7 ')
    assert failed.startswith('run.failed blob="landing/a\\nb.csv" size=7 reason="airflow_unclear" ')


@pytest.mark.parametrize("error", [AirflowUnclear("x"), RunRefused("y")])
def test_error_of_airflow_comes_out_as_it_is(error: BlobToDagError) -> None:
    """Whether to try again is its type's to say."""
    trigger, log = _trigger(FakeAirflow(error))

    with pytest.raises(type(error)) as caught:
        trigger.handle(blob_event())

    assert caught.value is error
    assert log.counts["run.failed"] == 1


def test_pending_copy_starts_no_run_yet() -> None:
    """Its size and content are not final; its ETag will change."""
    airflow = FakeAirflow()
    trigger, log = _trigger(airflow)

    with pytest.raises(CopyPending, match="still being copied"):
        trigger.handle(blob_event(copy_status="pending"))

    assert airflow.runs == []
    assert log.counts["run.failed"] == 1


@pytest.mark.parametrize("status", [None, "success"])
def test_finished_copy_starts_a_run(status: str | None) -> None:
    """A finished copy is a blob like any other."""
    airflow = FakeAirflow()
    trigger, _ = _trigger(airflow)

    assert len(trigger.handle(blob_event(copy_status=status))) == 1


def test_append_blob_starts_no_run_and_is_logged() -> None:
    """It is raised when it is created and empty; nothing tells of its content."""
    airflow = FakeAirflow()
    trigger, log = _trigger(airflow)

    assert trigger.handle(blob_event(blob_type="AppendBlob", size=0)) == []
    assert airflow.runs == []
    assert log.counts["blob.skipped"] == 1
