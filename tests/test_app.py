"""The app: built on first use, once; with unusable settings events wait instead of failing."""

import json
import logging
from contextlib import suppress
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from local.azurite import Azurite
from shared.app import App
from shared.config.storage_connection import StorageConnection
from shared.event_log import EventLog
from shared.model.errors import Misconfigured
from shared.storage.accounts import StorageAccount
from shared.storage.outbox import QUEUE
from tests.sources.test_event_grid import event_grid

NOWHERE = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
    "BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a;"
)


def test_nothing_is_read_before_the_first_event() -> None:
    """An app that fails at import has no functions and loses events."""
    assert App({})


def test_settings_that_leave_nowhere_to_park_fail_each_call_and_are_logged_once(
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

    assert log.counts == {"app.misconfigured": 1}
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_connection_string_that_no_sdk_takes_is_a_wrong_setting() -> None:
    """Named by its kind; its text may hold a key."""
    log = EventLog()
    app = App(
        {
            "AIRFLOW_BASE_URL": "https://airflow.example.com",
            "AIRFLOW_DAG_ID": "d",
            "LandingStorage": "AccountKey=canary",
            "AzureWebJobsStorage": NOWHERE,
        },
        log,
    )

    fault = app._built()

    assert isinstance(fault, Misconfigured)
    assert "LandingStorage" in str(fault)
    assert "canary" not in str(fault)
    assert log.counts == {"app.misconfigured": 1}


def test_unreadable_message_stays_with_the_platform_while_misconfigured() -> None:
    """Its poison queue is collected once the settings are mended."""
    app = App({"AzureWebJobsStorage": NOWHERE})

    with pytest.raises(Misconfigured):
        app.on_event(b"garbage")


@pytest.mark.stack
def test_events_wait_while_settings_are_unusable(azurite: Azurite) -> None:
    """Only the host's own storage is needed for that."""
    log = EventLog()
    app = App({"AzureWebJobsStorage": azurite.connection_string, "LANDING_PATH": "{oops}"}, log)
    queue = _emptied(azurite)

    for number in range(3):
        app.on_blob("landing", f"{number}.csv")
    app.on_event(json.dumps(event_grid("told.csv")).encode())
    app.dispatch()

    assert queue.get_queue_properties().approximate_message_count == 4
    assert log.counts == {"app.misconfigured": 1, "run.parked": 4}


def test_sdk_does_not_log_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each event, not one for each HTTP header."""
    logger = logging.getLogger("azure")
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    app = App(
        {
            "AIRFLOW_BASE_URL": "http://127.0.0.1:9",
            "AIRFLOW_DAG_ID": "d",
            "LandingStorage": NOWHERE,
            "AzureWebJobsStorage": NOWHERE,
        }
    )

    assert not isinstance(app._built(), Misconfigured)
    assert logger.getEffectiveLevel() == logging.WARNING


def _emptied(azurite: Azurite) -> Any:
    connection = StorageConnection(name="x", connection_string=azurite.connection_string)
    queues = StorageAccount(connection, threads=1).queues
    with suppress(ResourceNotFoundError):
        queues.delete_queue(QUEUE)
    return queues.get_queue_client(QUEUE)
