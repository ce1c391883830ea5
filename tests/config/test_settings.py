"""Settings are checked at once; every fault is named with its setting and what to do."""

from datetime import timedelta

import pytest

from shared.config.settings import Settings
from shared.model.errors import Misconfigured

GOOD = {
    "AIRFLOW_BASE_URL": "https://airflow.example.com/team",
    "AIRFLOW_DAG_ID": "copy_file",
    "AzureWebJobsStorage__blobServiceUri": "https://host.blob.core.windows.net/",
    "AzureWebJobsStorage__queueServiceUri": "https://host.queue.core.windows.net/",
    "AzureWebJobsStorage__tableServiceUri": "https://host.table.core.windows.net/",
    "LandingStorage__blobServiceUri": "https://acct.blob.core.windows.net/",
    "LandingStorage__queueServiceUri": "https://acct.queue.core.windows.net/",
    "LandingStorage__clientId": "11111111-2222-3333-4444-555555555555",
}


def test_good_settings_are_read_with_defaults() -> None:
    """What must be set is little; the rest has sensible values."""
    settings = Settings.from_env(GOOD)

    assert settings.airflow_base_url == "https://airflow.example.com/team"
    assert settings.airflow_dag_id == "copy_file"
    assert settings.airflow_allow_http is False
    assert settings.conf_max_bytes == 65_536
    assert settings.landing.blob_endpoint == "https://acct.blob.core.windows.net"
    assert settings.host.table_endpoint == "https://host.table.core.windows.net"
    assert settings.landing.table_endpoint == ""
    assert settings.landing.client_id == "11111111-2222-3333-4444-555555555555"
    assert settings.bindings.source == "EventGrid"


def test_trailing_slash_of_an_address_does_not_matter() -> None:
    """Paths are appended to it."""
    settings = Settings.from_env({**GOOD, "AIRFLOW_BASE_URL": "https://host/team/airflow/"})

    assert settings.airflow_base_url == "https://host/team/airflow"


def test_every_fault_is_in_one_message() -> None:
    """Nobody fixes one setting only to meet the next fault."""
    with pytest.raises(Misconfigured) as caught:
        Settings.from_env(
            {
                "AIRFLOW_BASE_URL": "airflow",
                "AIRFLOW_ALLOW_HTTP": "yes",
                "AIRFLOW_READ_TIMEOUT_SECONDS": "soon",
                "CONF_MAX_BYTES": "-1",
                "LANDING_PATH": "{name}",
                "EVENT_SOURCE": "pigeon",
                "MISSING_DAG_MAX_AGE": "a week",
                "AIRFLOW_WHEN_PAUSED": "panic",
            }
        )

    for name in (
        "AIRFLOW_BASE_URL", "AIRFLOW_ALLOW_HTTP", "AIRFLOW_READ_TIMEOUT_SECONDS",
        "CONF_MAX_BYTES", "LANDING_PATH", "EVENT_SOURCE", "LandingStorage__blobServiceUri",
        "AzureWebJobsStorage__blobServiceUri", "MISSING_DAG_MAX_AGE", "AIRFLOW_WHEN_PAUSED",
    ):  # fmt: skip
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AIRFLOW_BASE_URL", "ftp://host", "must be an address such as https://"),
        ("AIRFLOW_BASE_URL", "https://host/?x=1", "must be an address such as https://"),
        ("AIRFLOW_BASE_URL", "http://airflow.example.com", "is plain http"),
        ("AIRFLOW_ALLOW_HTTP", "1", "must be true or false"),
        ("AIRFLOW_CONNECT_TIMEOUT_SECONDS", "nan", "must be a number of seconds from 0.1 to 60"),
        ("AIRFLOW_RETRY_BUDGET_SECONDS", "91", "must be a number of seconds from 0 to 90"),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "0", "must be a whole number from 1 to 1000"),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "٣", "must be a whole number from 1 to 1000"),
        ("LandingStorage__blobServiceUri", "http://acct.blob.core.windows.net", "must begin with https://"),
        ("MISSING_DAG_MAX_AGE", "7", "must be a duration such as 7d"),
        ("MISSING_DAG_MAX_AGE", "0d", "at least 60 s"),
        ("MISSING_DAG_MAX_AGE", "59s", "at least 60 s"),
        ("CONF_MAX_BYTES", "262145", "must be a whole number from 1024 to 262144"),
        ("AIRFLOW_MAX_RUNS_PER_MINUTE", "0", "must be a whole number from 1 to"),
        ("AIRFLOW_LOGICAL_DATE", "now", "must be one of none, event_time"),
        ("LANDING_PATH", "land\\ing/{name}", "must be a path such as landing/{name}"),
    ],
)
def test_fault_is_named_with_what_to_do(name: str, value: str, said: str) -> None:
    """One bad value, one sentence with the setting, the value and what was expected."""
    with pytest.raises(Misconfigured) as caught:
        Settings.from_env({**GOOD, name: value})

    assert f"{name}=" in str(caught.value)
    assert said in str(caught.value)


def test_shortest_wait_for_a_missing_dag_is_a_minute() -> None:
    """With none at all, every retryable error would be a dead letter at once."""
    assert Settings.from_env({**GOOD, "MISSING_DAG_MAX_AGE": "60s"}).missing_dag_max_age == timedelta(
        minutes=1
    )


def test_tables_are_needed_in_the_host_account_only() -> None:
    """The landing account has none of ours."""
    environ = {name: value for name, value in GOOD.items() if "table" not in name}

    with pytest.raises(Misconfigured) as caught:
        Settings.from_env(environ)

    assert "AzureWebJobsStorage__tableServiceUri" in str(caught.value)
    assert "LandingStorage__tableServiceUri" not in str(caught.value)


def test_azurite_has_a_table_service_too() -> None:
    """`UseDevelopmentStorage=true` means the three services at their usual ports."""
    settings = Settings.from_env({**GOOD, "AzureWebJobsStorage": "UseDevelopmentStorage=true"})

    assert "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;" in (settings.host.connection_string or "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
def test_plain_http_to_this_machine_is_fine(url: str) -> None:
    """That is how Airflow runs locally."""
    assert Settings.from_env({**GOOD, "AIRFLOW_BASE_URL": url}).airflow_base_url == url


def test_plain_http_elsewhere_needs_a_setting() -> None:
    """Somebody has to say that the network is trusted."""
    url = "http://airflow.internal:8080"

    assert Settings.from_env({**GOOD, "AIRFLOW_BASE_URL": url, "AIRFLOW_ALLOW_HTTP": "true"})


def test_password_in_an_address_is_refused_and_not_repeated() -> None:
    """The message goes to the log."""
    with pytest.raises(Misconfigured, match="must not contain a user name or a password") as caught:
        Settings.from_env({**GOOD, "AIRFLOW_BASE_URL": "https://admin:canary@host"})

    assert "canary" not in str(caught.value)


def test_connection_string_does_not_show() -> None:
    """`repr` of the settings may be logged."""
    settings = Settings.from_env({**GOOD, "LandingStorage": "AccountName=a;AccountKey=canary"})

    assert settings.landing.connection_string == "AccountName=a;AccountKey=canary"
    assert "canary" not in repr(settings)
