"""The credentials come from one Key Vault secret, by the real SDKs, with tokens that are really checked."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from shared.airflow.key_vault import AppIdentity, KeyVaultCredentials, open_vault
from shared.event_log import EventLog
from shared.model.errors import Misconfigured, VaultUnavailable
from tests.key_vault.azure import APPLICATION, CLIENT_SECRET, MANAGED, TENANT, Azure

NAME = "airflow-credentials"
PAIR = {"username": "app", "password": "canary-password"}


class Clock:
    """Monotonic seconds that tests move."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def source(
    azure: Azure,
    *,
    identity: AppIdentity | None = None,
    log: EventLog | None = None,
    clock: Clock | None = None,
) -> KeyVaultCredentials:
    """Return the source as the app builds it."""
    return KeyVaultCredentials(
        open_vault(azure.vault_uri, identity or AppIdentity()),
        name=NAME,
        lifetime_seconds=300,
        refusal_pause_seconds=30,
        log=log or EventLog(),
        clock=clock or Clock(),
    )


def test_managed_identity_reads_the_secret(azure: Azure) -> None:
    """A JSON object of texts gives several fields at once."""
    azure.put(NAME, json.dumps(PAIR))

    assert source(azure).get().require("username", "password") == ("app", "canary-password")


def test_client_credentials_read_the_secret(azure: Azure) -> None:
    """Outside Azure an application with a secret does the same."""
    azure.put(NAME, json.dumps(PAIR))
    identity = AppIdentity(
        tenant_id=TENANT, client_id=APPLICATION, client_secret=CLIENT_SECRET, authority=azure.vault_uri
    )

    assert source(azure, identity=identity).get().require("username") == ("app",)


@pytest.mark.parametrize("text", ["plain-token\n", "12345", '"quoted"', "[1]"])
def test_secret_that_is_no_object_is_a_token(azure: Azure, text: str) -> None:
    """As Astronomer's and others' tokens are kept."""
    azure.put(NAME, text)

    assert source(azure).get().require("token") == (text.strip(),)


@pytest.mark.parametrize("fault", ["key", "audience", "issuer", "expired", "none"])
def test_vault_of_these_tests_checks_tokens(azure: Azure, fault: str) -> None:
    """What the other tests say is worth something only if it does."""
    azure.put(NAME, json.dumps(PAIR))
    good = azure.token(MANAGED, azure.resource)
    tokens = {
        "key": Azure(port=azure.port).token(MANAGED, azure.resource),
        "audience": azure.token(MANAGED, "https://storage.azure.com"),
        "issuer": azure.token(MANAGED, azure.resource, iss="https://elsewhere"),
        "expired": azure.token(MANAGED, azure.resource, exp=1),
        "none": "",
    }

    def ask(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{azure.vault_uri}/secrets/{NAME}/", headers=headers, timeout=5).status_code

    assert ask(good) == 200
    assert ask(tokens[fault]) == 401


def test_identity_without_the_role_gets_a_status(azure: Azure) -> None:
    """403 is not a missing secret."""
    azure.put(NAME, json.dumps(PAIR))
    azure.readers.clear()

    with pytest.raises(VaultUnavailable, match="status 403"):
        source(azure).get()


def test_secret_is_read_once_in_its_lifetime(azure: Azure) -> None:
    """Key Vault throttles; 5 minutes of the old value are a fair price."""
    azure.put(NAME, json.dumps(PAIR))
    clock = Clock()
    credentials = source(azure, clock=clock)
    for _ in range(5):
        credentials.get()
    first = azure.requests["secret"]
    clock.seconds += 301
    azure.put(NAME, json.dumps({**PAIR, "password": "new"}))

    assert first == 1
    assert credentials.get().require("password") == ("new",)
    assert azure.requests["secret"] == 2


def test_refusal_reads_the_secret_at_once_but_not_again_and_again(azure: Azure) -> None:
    """Once for all threads; a truly wrong password hammers nothing."""
    azure.put(NAME, json.dumps(PAIR))
    clock = Clock()
    credentials = source(azure, clock=clock)
    credentials.get()
    clock.seconds += 31
    azure.put(NAME, json.dumps({**PAIR, "password": "new"}))
    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(lambda _: credentials.refresh().require("password"), range(16)))

    assert set(seen) == {("new",)}
    assert azure.requests["secret"] == 2


@pytest.mark.parametrize("status", [429, 503, 403])
def test_vault_that_fails_is_served_stale(azure: Azure, status: int) -> None:
    """What was read before goes on working; one log event for each try."""
    azure.put(NAME, json.dumps(PAIR))
    log, clock = EventLog(), Clock()
    credentials = source(azure, log=log, clock=clock)
    credentials.get()
    azure.vault_status = status
    clock.seconds += 301
    for _ in range(5):
        assert credentials.get().require("username") == ("app",)
    tried = log.counts["secret.stale"]
    azure.vault_status = None
    azure.put(NAME, json.dumps({**PAIR, "username": "other"}))
    clock.seconds += 31

    assert tried == 1
    assert credentials.get().require("username") == ("other",)


@pytest.mark.parametrize("status", [429, 503])
def test_vault_that_fails_from_the_start_is_asked_once_in_a_while(azure: Azure, status: int) -> None:
    """Events are parked meanwhile; the message names what to look at."""
    azure.vault_status = status
    log, clock = EventLog(), Clock()
    credentials = source(azure, log=log, clock=clock)
    for _ in range(5):
        with pytest.raises(VaultUnavailable, match="KEY_VAULT_URI"):
            credentials.get()
    tried = log.counts["secret.unavailable"]
    azure.vault_status = None
    azure.put(NAME, json.dumps(PAIR))
    clock.seconds += 31

    assert tried == 1
    assert credentials.get().require("username") == ("app",)


def test_identity_endpoint_that_fails_is_an_unavailable_vault(azure: Azure) -> None:
    """No token, no secret: the same to the app."""
    azure.entra_status = 500
    azure.put(NAME, json.dumps(PAIR))

    with pytest.raises(VaultUnavailable):
        source(azure).get()


def test_missing_secret_is_named(azure: Azure) -> None:
    """The setting to look at is in the message."""
    with pytest.raises(VaultUnavailable, match=rf"'{NAME}'.*404.*AIRFLOW_CREDENTIAL_SECRET"):
        source(azure).get()


def test_new_version_is_logged_by_its_id(azure: Azure) -> None:
    """A rotation can be followed in the log; the value cannot."""
    log, clock = EventLog(), Clock()
    credentials = source(azure, log=log, clock=clock)
    azure.put(NAME, json.dumps(PAIR))
    credentials.get()
    clock.seconds += 301
    credentials.get()
    azure.put(NAME, "other")
    clock.seconds += 301
    credentials.get()

    assert log.counts["secret.read"] == 2


@pytest.mark.parametrize(
    ("hours", "days"), [(None, None), (30 * 24 + 1, None), (30 * 24 - 1, 29), (1, 0), (-1, -1)]
)
def test_secret_that_expires_within_thirty_days_is_warned_of(
    azure: Azure, hours: int | None, days: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    """It works until it is gone: nobody would look."""
    azure.put(NAME, json.dumps(PAIR))
    azure.expires = None if hours is None else int(time.time()) + hours * 3600

    source(azure).get()

    lines = [record.getMessage() for record in caplog.records if "secret.expires_soon" in record.getMessage()]
    assert [line.partition(" secret=")[0] for line in lines] == (
        [] if days is None else [f"secret.expires_soon days={days}"]
    )


def test_expiry_is_warned_of_once_a_day(azure: Azure) -> None:
    """The secret is read every five minutes, here every three hours for two days."""
    azure.put(NAME, json.dumps(PAIR))
    azure.expires = int(time.time()) + 3600
    log, clock = EventLog(), Clock()
    credentials = source(azure, log=log, clock=clock)
    for _ in range(16):
        credentials.get()
        clock.seconds += 3 * 3600

    assert azure.requests["secret"] == 16
    assert log.counts["secret.expires_soon"] == 2


@pytest.mark.parametrize("error", [RuntimeError, ValueError, TypeError])
def test_any_exception_of_the_client_is_an_unavailable_vault_and_remembered(error: type[Exception]) -> None:
    """1,000 events ask once; the library's text stays out."""
    tries: list[str] = []

    class Broken:
        def get_secret(self, name: str) -> None:
            tries.append(name)
            msg = "canary: what the vault was asked"
            raise error(msg)

    log = EventLog()
    credentials = KeyVaultCredentials(
        Broken(),  # type: ignore[arg-type]
        name=NAME,
        lifetime_seconds=300,
        refusal_pause_seconds=30,
        log=log,
        clock=Clock(),
    )
    for _ in range(1_000):
        with pytest.raises(VaultUnavailable, match=error.__name__) as caught:
            credentials.get()
        assert "canary" not in str(caught.value)

    assert len(tries) == 1
    assert log.counts == {"secret.unavailable": 1}


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_secret_that_is_nested_too_deeply_is_a_token(azure: Azure, text: str) -> None:
    """Whatever it is, reading it must not raise."""
    azure.put(NAME, text[:25_000])

    assert source(azure).get().fields["token"]


@pytest.mark.parametrize(
    "identity",
    [
        AppIdentity(tenant_id="no tenant?", client_id="x", client_secret="canary"),
        AppIdentity(tenant_id="", client_id="x", client_secret="canary"),
        AppIdentity(tenant_id=TENANT, client_id="x", client_secret="canary", authority="http://plain"),
    ],
)
def test_identity_that_the_sdk_refuses_is_named_by_its_settings(identity: AppIdentity) -> None:
    """Not as a malformed connection string."""
    with pytest.raises(Misconfigured, match="AZURE_TENANT_ID") as caught:
        open_vault("https://v.vault.azure.net", identity)

    assert "canary" not in str(caught.value)
