"""The composition root: built on first use, once, and honest about unusable settings."""

import logging

import pytest

from shared.app import App
from shared.errors import Misconfigured
from shared.event_log import EventLog


def test_nothing_is_read_before_the_first_event() -> None:
    """An app that fails at import has no functions and loses events."""
    assert App({})


def test_unusable_settings_fail_each_call_and_are_logged_once() -> None:
    """The platform tries again; the log is not flooded."""
    log = EventLog()
    app = App({}, log)

    for _ in range(3):
        with pytest.raises(Misconfigured, match="AIRFLOW_BASE_URL is not set"):
            app.on_blob("landing", "a.csv")

    assert log.counts == {"app.misconfigured": 1}


def test_sdk_does_not_log_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each event, not one for each HTTP header."""
    logger = logging.getLogger("azure")
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    app = App(
        {
            "AIRFLOW_BASE_URL": "http://127.0.0.1:9",
            "AIRFLOW_DAG_ID": "d",
            "LandingStorage": "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
            "BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a;",
        }
    )

    app._blob_source()

    assert logger.getEffectiveLevel() == logging.WARNING
