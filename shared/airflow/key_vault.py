"""`KeyVaultCredentials`: one Key Vault secret, cached, read again on a rejection, served stale if need be."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient, SecretProperties

from shared.airflow.credentials import Credentials
from shared.event_log import EventLog
from shared.model.errors import Misconfigured, VaultUnavailable
from shared.timing import utc_now

_SDK_LIMITS: dict[str, Any] = {
    "connection_timeout": 5,
    "read_timeout": 10,
    "retry_total": 2,
    "retry_backoff_factor": 0.4,
    "retry_backoff_max": 2,
}
"""The SDK's own defaults can hold an invocation for minutes."""

_EXPIRES_SOON_DAYS = 30
_DAY_SECONDS = 86_400.0


class KeyVaultCredentials:
    """The credentials in one secret: a JSON object of strings, or anything else, which is a token.

    One secret, because two that belong together could be read between their changes.

    Args:
        client: Reads the secret.
        name: Name of the secret.
        lifetime_seconds: How long it is taken as current.
        refusal_pause_seconds: Shortest time between reads after rejections, or while the vault fails.
        log: Takes new versions and failures.
        clock: Monotonic seconds.
        now: The time, aware.
    """

    def __init__(
        self,
        client: SecretClient,
        *,
        name: str,
        lifetime_seconds: float,
        refusal_pause_seconds: float,
        log: EventLog,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._client = client
        self._name = name
        self._lifetime = lifetime_seconds
        self._pause = refusal_pause_seconds
        self._log = log
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._version: str | None = None
        self._good_until = float("-inf")
        self._next_refresh = float("-inf")
        self._next_warning = float("-inf")
        self._failure = ""

    def get(self) -> Credentials:
        """Return the credentials, from the vault if the cached ones are too old.

        Raises:
            VaultUnavailable: The vault fails and nothing is cached.
        """
        with self._lock:
            if self._clock() < self._good_until:
                return self._cached()
            return self._read()

    def refresh(self) -> Credentials:
        """Force a refresh after a rejection; at most once per pause across threads."""
        asked_at = self._clock()
        with self._lock:
            if asked_at < self._next_refresh:
                return self._cached()
            return self._read()

    def _cached(self) -> Credentials:
        if self._credentials is None:
            raise VaultUnavailable(self._failure)
        return self._credentials

    def _read(self) -> Credentials:
        try:
            secret = self._client.get_secret(self._name)
        except Exception as error:  # noqa: BLE001  (the SDK raises more than AzureError)
            # Only its type and status: the text can repeat what the vault was asked.
            status = error.status_code if isinstance(error, HttpResponseError) else None
            return self._without_vault(type(error).__name__, status)
        now = self._clock()
        self._good_until = now + self._lifetime
        self._next_refresh = now + self._pause
        if self._credentials is None or secret.properties.version != self._version:
            self._log.info("secret.read", secret=self._name, version=secret.properties.version)
        self._version = secret.properties.version
        self._warn_of_expiry(secret.properties)
        self._credentials = Credentials(fields=_fields(secret.value or ""), origin=self._origin())
        return self._credentials

    def _warn_of_expiry(self, secret: SecretProperties) -> None:
        """Say once a day that the secret expires soon, or has: the vault itself gives it all the same."""
        if secret.expires_on is None or self._clock() < self._next_warning:
            return
        days = (secret.expires_on - self._now()).days
        if days < _EXPIRES_SOON_DAYS:
            self._next_warning = self._clock() + _DAY_SECONDS
            self._log.warning("secret.expires_soon", days=days, secret=self._name, version=secret.version)

    def _without_vault(self, reason: str, status: int | None) -> Credentials:
        self._good_until = self._next_refresh = self._clock() + self._pause
        self._failure = (
            f"Key Vault did not return the secret {self._name!a} ({reason}, status {status}). Check that it "
            "exists (AIRFLOW_CREDENTIAL_SECRET), that the app's identity may read it, and KEY_VAULT_URI."
        )
        if self._credentials is None:
            self._log.error("secret.unavailable", secret=self._name, reason=reason, status=status)
        else:
            self._log.warning("secret.stale", secret=self._name, reason=reason, status=status)
        return self._cached()

    def _origin(self) -> str:
        return f"They are read from the Key Vault secret {self._name!a}, version {self._version}."


class Identity(Protocol):
    """Who asks the vault, or Entra ID."""

    def credential(self) -> TokenCredential:
        """Return a new credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppIdentity:
    """The identity of the app in Azure, from the settings that `azure-identity` uses.

    Attributes:
        tenant_id: `AZURE_TENANT_ID`; only with a secret.
        client_id: `AZURE_CLIENT_ID` of a user-assigned identity; empty for the system-assigned one.
        client_secret: `AZURE_CLIENT_SECRET`; for hosts outside Azure.
        authority: `AZURE_AUTHORITY_HOST`; empty for the public cloud.
    """

    tenant_id: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    authority: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "AppIdentity":
        """Read the settings."""
        return cls(
            tenant_id=environ.get("AZURE_TENANT_ID", ""),
            client_id=environ.get("AZURE_CLIENT_ID", ""),
            client_secret=environ.get("AZURE_CLIENT_SECRET", ""),
            authority=environ.get("AZURE_AUTHORITY_HOST", ""),
        )

    def credential(self) -> ClientSecretCredential | ManagedIdentityCredential:
        """Return the managed identity, or the application that has a secret.

        Never another log-in that the machine happens to have.
        """
        if not self.client_secret:
            return ManagedIdentityCredential(client_id=self.client_id or None, **_SDK_LIMITS)
        # The public cloud does not know another authority.
        cloud = {"authority": self.authority, "disable_instance_discovery": True} if self.authority else {}
        return ClientSecretCredential(
            self.tenant_id, self.client_id, self.client_secret, **cloud, **_SDK_LIMITS
        )


def open_vault(uri: str, identity: Identity) -> SecretClient:
    """Return a client of the vault; opens no connection.

    Raises:
        Misconfigured: The settings of the identity or of the vault are no such values.
    """
    try:
        return SecretClient(vault_url=uri, credential=identity.credential(), **_SDK_LIMITS)
    except ValueError:
        msg = (
            "Key Vault cannot be opened: check KEY_VAULT_URI, AZURE_TENANT_ID, AZURE_CLIENT_ID and "
            "AZURE_AUTHORITY_HOST."
        )
        raise Misconfigured(msg) from None


def _fields(secret: str) -> dict[str, str]:
    """Read a JSON object of strings; anything else is a token."""
    try:
        found = json.loads(secret)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return {str(key): value for key, value in found.items() if isinstance(value, str)}
    return {"token": secret.strip()} if secret.strip() else {}
