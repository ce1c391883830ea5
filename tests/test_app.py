"""The app: built on first use, once; with unusable settings events wait instead of failing."""

import json
import logging
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from shared.airflow.time_limit import seconds_left
from shared.app import App
from shared.event_log import EventLog
from shared.ingest import Ingest
from shared.jobs.dispatcher import Dispatcher
from shared.jobs.outbox_report import OutboxReport
from shared.jobs.redrive import Redrive
from shared.model.errors import Misconfigured, StorageUnavailable
from shared.timing import Timing
from shared.wiring import Services
from tests.sources.test_event_grid import event_grid
from tests.support.airflow_server import airflow_server
from tests.support.clock import FakeClock
from tests.support.rows import OUTBOX, read_rows

NOWHERE = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
    "BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a;"
    "TableEndpoint=http://127.0.0.1:9/a;"
)
USABLE = {
    "AIRFLOW_BASE_URL": "https://airflow.example.com",
    "AIRFLOW_DAG_ID": "copy_file",
    "LandingStorage": NOWHERE,
    "AzureWebJobsStorage": NOWHERE,
}
HASTY = Timing(park_seconds=0.0)


def test_time_of_an_invocation_counts_from_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look at the blob, the run and the drain after it share one limit; the platform's is longer."""
    left: list[float] = []

    def look(*_: object, **__: object) -> None:
        left.append(seconds_left())

    for owner, method in [
        (Ingest, "take"), (Ingest, "take_message"), (Dispatcher, "after_event"), (Redrive, "run"),
        (Dispatcher, "drain"), (OutboxReport, "write"),
    ]:  # fmt: skip
        monkeypatch.setattr(owner, method, look)
    app = App(USABLE)

    app.on_blob("landing", "a.csv")
    app.on_event(b"{}")
    app.dispatch()

    assert len(left) == 7
    assert all(200 < seconds < 240 for seconds in left)
    assert left[1] < left[0]


def test_nothing_is_read_before_the_first_event() -> None:
    """An app that fails at import has no functions and loses events."""
    assert App({})


def test_settings_that_leave_nowhere_to_wait_fail_each_call_and_are_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The platform tries again; the log is not flooded."""
    log = EventLog()
    app = App({}, log)

    for _ in range(3):
        with pytest.raises(Misconfigured, match="AIRFLOW_BASE_URL is not set"):
            app.on_blob("landing", "a.csv")
    with pytest.raises(Misconfigured):
        app.on_event(json.dumps(event_grid()).encode())
    app.dispatch()
    app.reconcile()

    assert log.counts == {"app.misconfigured": 1}
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_connection_string_that_no_sdk_takes_is_a_wrong_setting() -> None:
    """Named by its kind; its text may hold a key."""
    log = EventLog()
    app = App(USABLE | {"LandingStorage": "AccountKey=canary"}, log)

    fault = app._built()

    assert isinstance(fault, Misconfigured)
    assert "LandingStorage" in str(fault)
    assert "canary" not in str(fault)
    assert log.counts == {"app.misconfigured": 1}


def test_fault_that_passes_is_not_kept_for_the_life_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many open files while it is built; it is tried again once a minute."""
    log, clock = EventLog(), FakeClock()
    app = App(USABLE, log, clock.timing())
    tries = []

    def fail(*args: Any) -> Any:
        tries.append(1)
        raise OSError

    monkeypatch.setattr("shared.app.build_services", fail)
    for _ in range(120):
        assert isinstance(app._built(), Misconfigured)
        clock.now += 1
    monkeypatch.undo()
    assert isinstance(app._built(), Services)

    assert len(tries) == 2
    assert log.counts == {"app.misconfigured": 1}


def test_wrong_settings_are_read_once() -> None:
    """Correcting them restarts the app."""
    clock = FakeClock()
    app = App({}, EventLog(), clock.timing())
    app._built()
    app._environ = USABLE
    clock.now += 3_600

    assert isinstance(app._built(), Misconfigured)


def test_timer_says_every_five_minutes_that_the_app_is_misconfigured() -> None:
    """One line at the start is forgotten by the evening, and an alert on it has ended."""
    log, clock = EventLog(), FakeClock()
    app = App({}, log, clock.timing())

    for _ in range(20):
        app.dispatch()
        clock.now += 30

    assert log.counts == {"app.misconfigured": 2}


def test_unreadable_message_stays_with_the_platform_while_misconfigured() -> None:
    """Its poison queue is emptied once the settings are correct."""
    app = App({"AzureWebJobsStorage": NOWHERE})

    with pytest.raises(Misconfigured):
        app.on_event(b"garbage")


@pytest.mark.parametrize("environ", [USABLE, {"AzureWebJobsStorage": NOWHERE}])
def test_event_that_cannot_even_be_kept_fails(environ: dict[str, str]) -> None:
    """The platform calls again."""
    app = App(environ, EventLog(), HASTY)

    with pytest.raises(StorageUnavailable):
        app.on_blob("landing", "a.csv")


def test_sdk_does_not_log_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each event, not one for each HTTP header."""
    logger = logging.getLogger("azure")
    monkeypatch.setattr(logger, "level", logging.NOTSET)

    assert not isinstance(App(USABLE)._built(), Misconfigured)
    assert logger.getEffectiveLevel() == logging.WARNING


@pytest.mark.stack
def test_events_wait_while_settings_are_unusable_and_flow_when_they_are_correct(storage_account: str) -> None:
    """Only the host's own storage is needed for that."""
    log = EventLog()
    app = App({"AzureWebJobsStorage": storage_account, "LANDING_PATH": "{oops}"}, log)

    for number in range(3):
        app.on_blob("landing", f"{number}.csv", traceparent="00-1")
    with BlobServiceClient.from_connection_string(storage_account) as service:
        url = f"{service.url}landing/known.csv"
    app.on_event(json.dumps(event_grid("known.csv", url=url)).encode(), traceparent="00-1")
    app.dispatch()

    rows = read_rows(storage_account, OUTBOX)
    assert sorted(row["name"] for row in rows) == ["0.csv", "1.csv", "2.csv", "known.csv"]
    assert {row["reason"] for row in rows} == {"misconfigured"}
    assert {row["traceparent"] for row in rows} == {"00-1"}
    assert log.counts == {"app.misconfigured": 1, "run.waiting": 4}

    with airflow_server() as airflow:
        corrected = {
            "AIRFLOW_BASE_URL": airflow.base_url,
            "AIRFLOW_DAG_ID": "copy_file",
            "AIRFLOW_AUTH": "none",
            "AzureWebJobsStorage": storage_account,
            "LandingStorage": storage_account,
        }
        app = App(corrected, EventLog())
        _create(storage_account, "landing")
        app.dispatch()

        # The three that are known by name only are gone; the other one carries its facts.
        [body] = airflow.runs.values()
        assert (body["conf"]["filename"], body["conf"]["traceparent"]) == ("known.csv", "00-1")
    assert read_rows(storage_account, OUTBOX) == []


def _create(connection_string: str, container: str) -> None:
    with BlobServiceClient.from_connection_string(connection_string) as service:
        service.create_container(container)
