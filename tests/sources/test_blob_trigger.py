"""The blob trigger's source: names in, one look at the blob, the trigger module called."""

from shared.airflow.client import Delivery
from shared.event_log import EventLog
from shared.events import BlobEvent
from shared.run_request import RunRequest
from shared.sources.blob_trigger import BlobTriggerSource
from shared.trigger import Trigger
from tests.samples import blob_event


class FakeLanding:
    """Has one blob, or none; counts the looks at it."""

    def __init__(self, event: BlobEvent | None) -> None:
        self.event = event
        self.looks: list[tuple[str, str]] = []

    def observe(self, container: str, name: str, *, traceparent: str | None = None) -> BlobEvent | None:
        self.looks.append((container, name))
        return self.event


class FakeAirflow:
    """Takes every run."""

    def __init__(self) -> None:
        self.runs: list[RunRequest] = []

    def trigger(self, run: RunRequest) -> Delivery:
        self.runs.append(run)
        return Delivery.CREATED


def _handle(event: BlobEvent | None) -> tuple[FakeLanding, FakeAirflow, EventLog]:
    landing, airflow, log = FakeLanding(event), FakeAirflow(), EventLog()
    trigger = Trigger(airflow, lambda attempt: attempt(), log, dag_id="d")
    BlobTriggerSource(landing, trigger, log).handle("landing", "a b.csv", traceparent="00-1")
    return landing, airflow, log


def test_blob_is_looked_at_once_and_its_run_started() -> None:
    """One HEAD for each event."""
    landing, airflow, _ = _handle(blob_event())

    assert landing.looks == [("landing", "a b.csv")]
    assert len(airflow.runs) == 1


def test_blob_that_is_gone_starts_nothing_and_fails_nothing() -> None:
    """Deleted before its event was handled: counted, no run, no retry."""
    _, airflow, log = _handle(None)

    assert airflow.runs == []
    assert log.counts == {"blob.gone": 1}
