"""The blob trigger's source: names in, one look at the blob, the trigger module called."""

from shared.model.errors import StorageUnavailable
from shared.sources.blob_trigger import BlobTriggerSource
from tests.support.fakes import FakeLanding, Stage
from tests.support.samples import blob_event


def _handle(stage: Stage, landing: FakeLanding) -> None:
    source = BlobTriggerSource(intake=stage.intake(landing), turn=stage.turn())
    source.handle("landing", "a b.csv", traceparent="00-1")


def test_blob_is_looked_at_once_and_its_run_started() -> None:
    """One HEAD for each event."""
    stage, landing = Stage(), FakeLanding(event=blob_event())

    _handle(stage, landing)

    assert landing.looks == [("landing", "a b.csv")]
    assert len(stage.airflow.runs) == 1


def test_blob_that_is_gone_starts_nothing_and_fails_nothing() -> None:
    """Deleted before its event was handled: counted, no run, no retry."""
    stage = Stage()

    _handle(stage, FakeLanding())

    assert stage.airflow.calls == []
    assert stage.log.counts == {"blob.gone": 1}


def test_blob_that_cannot_be_looked_at_is_parked_by_name() -> None:
    """Which version it is shows when storage answers again."""
    stage = Stage()

    _handle(stage, FakeLanding(error=StorageUnavailable("down")))

    [(parked, _)] = stage.place.parked
    assert (parked.path, parked.event) == ("landing/a b.csv", None)
