"""Settings that contradict each other are named before anything is sent."""

import pytest

from shared.config.checks import connection_faults
from shared.config.settings import Settings
from tests.airflow.harness import STORAGE

GOOD = {"AIRFLOW_BASE_URL": "https://airflow", "AIRFLOW_DAG_ID": "copy_file", **STORAGE}


def faults_of(changes: dict[str, str], *, can_read: bool = True) -> list[str]:
    """Return the faults of good settings with some changed."""
    environ = {**GOOD, **changes}
    return connection_faults(Settings.from_env(environ), environ, reads=lambda _: can_read)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"AIRFLOW_AUTH": "entra"}, "AIRFLOW_ENTRA_SCOPE"),
        ({"AIRFLOW_AUTH": "oauth"}, "AIRFLOW_OAUTH_TOKEN_URL"),
        ({"AIRFLOW_AUTH": "oauth", "AIRFLOW_OAUTH_TOKEN_URL": "http://idp.example.com/t"}, "plain http"),
        ({"AIRFLOW_AUTH": "token", "AIRFLOW_API": "v1"}, "log-in of Airflow 3"),
        ({"AIRFLOW_AUTH_HEADER": "two words"}, "AIRFLOW_AUTH_HEADER"),
        ({"KEY_VAULT_URI": "http://vault"}, "must begin with https://"),
        ({"AIRFLOW_CLIENT_KEY": "key.pem"}, "AIRFLOW_CLIENT_CERTIFICATE"),
        ({"IDENTITY_ENDPOINT": "http://127.0.0.1/msi"}, "KEY_VAULT_URI is not set"),
    ],
)
def test_contradiction_is_named_with_its_setting(changes: dict[str, str], word: str) -> None:
    """One sentence each, with what to do."""
    (fault,) = faults_of(changes)

    assert word in fault


@pytest.mark.parametrize("name", ["AIRFLOW_CA_BUNDLE", "AIRFLOW_CLIENT_CERTIFICATE"])
def test_file_that_cannot_be_read_is_named(name: str) -> None:
    """A missing certificate would be found with the first blob otherwise."""
    assert [fault.split()[0] for fault in faults_of({name: "/nowhere.pem"}, can_read=False)] == [name]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"AIRFLOW_AUTH": "oauth", "AIRFLOW_OAUTH_TOKEN_URL": "http://127.0.0.1:80/t"},
        {"AIRFLOW_AUTH": "entra", "AIRFLOW_ENTRA_SCOPE": "api://a/.default", "IDENTITY_ENDPOINT": "http://x"},
        {"KEY_VAULT_URI": "https://v.vault.azure.net", "IDENTITY_ENDPOINT": "http://x"},
    ],
)
def test_settings_that_fit_have_no_faults(changes: dict[str, str]) -> None:
    """Loopback may be plain; an identity that logs in itself needs no vault."""
    assert faults_of(changes) == []
