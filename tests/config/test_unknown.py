"""A misspelt setting is named, because its default would be used without a word."""

import pytest

from shared.app import App
from shared.config.settings import Settings
from shared.config.unknown import unknown_settings
from shared.event_log import EventLog
from shared.model.errors import Misconfigured
from tests.airflow.harness import STORAGE
from tests.config.test_settings import GOOD


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("AIRFLOW_MAX_CONCURENCY", "AIRFLOW_MAX_CONCURRENCY"),
        ("airflow_dag_id", "AIRFLOW_DAG_ID"),
        ("KEYVAULT_URI", "KEY_VAULT_URI"),
        ("CONF_MAX_BYTE", "CONF_MAX_BYTES"),
        ("EVENT_SOURCES", "EVENT_SOURCE"),
        ("AIRFLOW_COLOUR", None),
        ("LANDING_PREFIX", None),
    ],
)
def test_misspelt_setting_is_named_with_what_is_meant(name: str, meant: str | None) -> None:
    """Its value stays out: it may be a secret."""
    [sentence] = unknown_settings({**GOOD, name: "canary"})

    assert name in sentence
    assert (meant or "is no setting") in sentence
    assert "canary" not in sentence


def test_known_settings_and_those_of_the_platform_are_not_named() -> None:
    """Every setting of ours, what Azure and Python set, and Airflow's own variables."""
    known = {item.name: "x" for item in Settings.table().values()}
    others = dict.fromkeys(
        ("LANDING_PATH", "EVENT_SOURCE", "AIRFLOW_PASSWORD", "AZURE_CLIENT_ID", "PATH", "HOME", "HOSTNAME",
         "WEBSITE_HOSTNAME", "WEBSITE_SITE_NAME", "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION",
         "APPLICATIONINSIGHTS_CONNECTION_STRING", "AzureWebJobsStorage__blobServiceUri",
         "LandingStorage__credential", "AzureWebJobsFeatureFlags", "AzureFunctionsJobHost__version",
         "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "PYTHONPATH", "AIRFLOW_HOME", "AIRFLOW__CORE__EXECUTOR",
         "AIRFLOW_CONN_X", "REQUESTS_CA_BUNDLE"), "x",
    )  # fmt: skip

    assert list(unknown_settings({**known, **others})) == []


def test_misspelt_setting_is_one_warning_and_no_fault() -> None:
    """The app works on; the line is written once for each process, not for each event."""
    app = App({**GOOD, **STORAGE, "AIRFLOW_MAX_CONCURENCY": "8"}, EventLog())
    for _ in range(3):
        assert not isinstance(app._built(), Misconfigured)

    assert app._log.counts["setting.unknown"] == 1
