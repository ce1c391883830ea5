"""Addresses are normalised, pages and API paths are recognised, and no fault repeats what may be a key."""

import pytest

from shared.config.addresses import base_url
from shared.config.settings import Settings
from shared.model.errors import Misconfigured
from tests.config.test_settings import GOOD

CANARY = "canary-5d1c"


def fault_of(**changes: str) -> str:
    """Return the message of the fault that settings lead to."""
    with pytest.raises(Misconfigured) as caught:
        Settings.from_env({**GOOD, **changes})
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://Airflow.Example.COM", "https://airflow.example.com"),
        ("https://airflow.example.com:443/Team/", "https://airflow.example.com/Team"),
        ("HTTPS://airflow.example.com//", "https://airflow.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
        ("https://airflow.example.com:8443", "https://airflow.example.com:8443"),
    ],
)
def test_one_airflow_has_one_spelling(written: str, normal: str) -> None:
    """What was sent to one spelling must not count as sent to another Airflow."""
    settings = Settings.from_env({**GOOD, "AIRFLOW_BASE_URL": written, "AIRFLOW_FORMER_URLS": written})

    assert settings.airflow_base_url == normal
    assert settings.airflow_former_urls == {normal}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1",
        "/api/v2/",
        "/api/v1/dags/x/dagRuns",
        "/api/experimental",
        "/home",
        "/login/",
        "/auth/token",
        "/dags",
    ],
)
@pytest.mark.parametrize("prefix", ["", "/team/airflow"])
def test_address_of_the_api_or_of_a_page_is_recognised(prefix: str, path: str) -> None:
    """The message says what to write instead."""
    message = fault_of(AIRFLOW_BASE_URL=f"https://airflow.example.com{prefix}{path}")

    assert f"write 'https://airflow.example.com{prefix}'" in message


@pytest.mark.parametrize(
    "url",
    [
        "https://airflow.example.com:99999",
        "https://airflow.example.com:0",
        "https://a b.example.com",
        "https://airflow.example.com/a\nb",
        "https://airflow.example.com/\\a",
        "https://airflow.example.com?",
        "https://airflow.example.com#",
        "https://[::1",
        "https://:443",
        "https://℀.example.com",
        "airflow.example.com",
    ],
)
def test_what_is_no_address_is_a_fault(url: str) -> None:
    """A request to it would fail in the library, with a text that repeats it."""
    with pytest.raises(ValueError, match="must be an address such as"):
        base_url(url)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AIRFLOW_BASE_URL", f"https://airflow.example.com/?api_key={CANARY}"),
        ("AIRFLOW_BASE_URL", f"https://airflow.example.com/{CANARY}/api/v1?x"),
        ("AIRFLOW_BASE_URL", f"https://user:{CANARY}@airflow.example.com"),
        ("AIRFLOW_BASE_URL", f"https://{CANARY}@[::1"),
        ("AIRFLOW_BASE_URL", f"http://airflow.example.com/{CANARY}"),
        ("AIRFLOW_BASE_URL", CANARY),
        ("AIRFLOW_OAUTH_TOKEN_URL", f"https://idp.example.com/token?client_secret={CANARY}"),
        ("AIRFLOW_FORMER_URLS", f"https://a.example.com,https://b.example.com?key={CANARY}"),
        ("KEY_VAULT_URI", f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={CANARY}"),
        ("LandingStorage__blobServiceUri", f"https://acct.blob.core.windows.net/?sig={CANARY}"),
        ("LandingStorage__queueServiceUri", f"http://acct.queue.core.windows.net/?sig={CANARY}"),
        ("AzureWebJobsStorage__tableServiceUri", f"AccountKey={CANARY}"),
        ("LANDING_PATH", f"%AccountKey={CANARY}%"),
        ("EVENT_SOURCE", f"https://hooks.example.com/{CANARY}"),
        ("AIRFLOW_AUTH", f"Bearer={CANARY}"),
        ("AIRFLOW_DAG_ID", f"https://airflow.example.com/{CANARY}"),
        ("CONF_MAX_BYTES", f"AccountKey={CANARY}"),
        ("AIRFLOW_CLIENT_CERTIFICATE", f"-----BEGIN PRIVATE KEY-----\n{CANARY}"),
    ],
)
def test_fault_shows_scheme_and_host_at_most(name: str, value: str) -> None:
    """A key in the wrong setting must not reach the log."""
    message = fault_of(**{name: value})

    assert name in message
    assert CANARY not in message


def test_host_of_a_refused_address_is_shown() -> None:
    """So that it is known which one is meant."""
    message = fault_of(AIRFLOW_BASE_URL="https://Airflow.example.com:8443/?api_key=x")

    assert "AIRFLOW_BASE_URL='https://airflow.example.com:8443'" in message


def test_token_address_in_upper_case_is_still_plain_http() -> None:
    """`HTTP://` is http."""
    settings = Settings.from_env({**GOOD, "AIRFLOW_OAUTH_TOKEN_URL": "HTTP://IDP.example.com/t"})

    assert settings.airflow_oauth_token_url == "http://idp.example.com/t"


@pytest.mark.parametrize("dag_id", ["held_write/../held_one", "a b", "ä/ö", "x" * 251])
def test_dag_id_of_the_settings_follows_the_rule_of_routes(dag_id: str) -> None:
    """A step in a path would start another DAG."""
    assert "AIRFLOW_DAG_ID=" in fault_of(AIRFLOW_DAG_ID=dag_id)
