"""`KeyVaultCredentials`: one Key Vault secret, cached, read again on a refusal, served stale in need."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from azure.core.exceptions import AzureError, HttpResponseError
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient

from shared.airflow.credentials import Credentials
from shared.event_log import EventLog
from shared.model.errors import VaultUnavailable

_PATIENCE: dict[str, Any] = {
    "connection_timeout": 5,
    "read_timeout": 10,
    "retry_total": 2,
    "retry_backoff_factor": 0.4,
    "retry_backoff_max": 2,
}
"""The SDK's own defaults can hold an invocation for minutes."""


class SecretProperties(Protocol):
    """What the SDK tells beside the value."""

    @property
    def version(self) -> str | None:
        """The version's id, which is no secret."""


class Secret(Protocol):
    """A secret as the SDK gives it."""

    @property
    def value(self) -> str | None:
        """The secret itself."""

    @property
    def properties(self) -> SecretProperties:
        """What it tells beside."""


class ReadsSecrets(Protocol):
    """Reads secrets; see `azure.keyvault.secrets.SecretClient`."""

    def get_secret(self, name: str) -> Secret:
        """Give the newest version; raises AzureError."""


class KeyVaultCredentials:
    """The credentials in one secret: a JSON object of texts, or anything else, which is a token.

    One secret, because two that belong together could be read between their changes.

    Args:
        client: Reads it.
        name: Of the secret.
        lifetime_seconds: How long it is taken as current.
        refusal_pause_seconds: How often at most it is read because of refusals, or while the vault fails.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        client: ReadsSecrets,
        *,
        name: str,
        lifetime_seconds: float,
        refusal_pause_seconds: float,
        log: EventLog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._name = name
        self._lifetime = lifetime_seconds
        self._pause = refusal_pause_seconds
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: Credentials | None = None
        self._version: str | None = None
        self._good_until = float("-inf")
        self._next_reread = float("-inf")
        self._failure = ""

    def get(self) -> Credentials:
        """Give the credentials, from the vault if those at hand are too old.

        Raises:
            VaultUnavailable: The vault fails and nothing was read before.
        """
        with self._lock:
            if self._clock() < self._good_until:
                return self._at_hand()
            return self._read()

    def reread(self) -> Credentials:
        """Read them now, for Airflow refused them; once for all threads, and not again for a while."""
        asked_at = self._clock()
        with self._lock:
            if asked_at < self._next_reread:
                return self._at_hand()
            return self._read()

    def _at_hand(self) -> Credentials:
        if self._kept is None:
            raise VaultUnavailable(self._failure)
        return self._kept

    def _read(self) -> Credentials:
        try:
            secret = self._client.get_secret(self._name)
        except AzureError as error:
            # Only its type and status: the text can repeat what the vault was asked.
            status = error.status_code if isinstance(error, HttpResponseError) else None
            return self._without_vault(type(error).__name__, status)
        now = self._clock()
        self._good_until = now + self._lifetime
        self._next_reread = now + self._pause
        if self._kept is None or secret.properties.version != self._version:
            self._log.info("secret.read", secret=self._name, version=secret.properties.version)
        self._version = secret.properties.version
        self._kept = Credentials(fields=_fields(secret.value or ""), origin=self._origin())
        return self._kept

    def _without_vault(self, reason: str, status: int | None) -> Credentials:
        self._good_until = self._next_reread = self._clock() + self._pause
        self._failure = (
            f"Key Vault did not give the secret {self._name!a} ({reason}, status {status}). Does it exist "
            " (AIRFLOW_CREDENTIAL_SECRET), may the app's identity read it, is KEY_VAULT_URI right?"
        )
        if self._kept is None:
            self._log.error("secret.unavailable", secret=self._name, reason=reason, status=status)
        else:
            self._log.warning("secret.stale", secret=self._name, reason=reason, status=status)
        return self._at_hand()

    def _origin(self) -> str:
        return f"They are read from the Key Vault secret {self._name!a}, version {self._version}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AppIdentity:
    """Who the app is to Azure, by the names that `azure-identity` has for its settings.

    Attributes:
        tenant_id: `AZURE_TENANT_ID`; only with a secret.
        client_id: `AZURE_CLIENT_ID`; of a user-assigned identity, empty for the system-assigned one.
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
        """Give the managed identity, or the application that has a secret.

        Never whatever else happens to be logged in on the machine.
        """
        if not self.client_secret:
            return ManagedIdentityCredential(client_id=self.client_id or None, **_PATIENCE)
        # An authority of one's own cannot be looked up at the public one.
        cloud = {"authority": self.authority, "disable_instance_discovery": True} if self.authority else {}
        return ClientSecretCredential(
            self.tenant_id, self.client_id, self.client_secret, **cloud, **_PATIENCE
        )


def open_vault(uri: str, identity: AppIdentity) -> SecretClient:
    """Give a client of the vault; opens no connection."""
    return SecretClient(vault_url=uri, credential=identity.credential(), **_PATIENCE)


def _fields(secret: str) -> dict[str, str]:
    """Read a JSON object of texts; anything else is a token."""
    try:
        found = json.loads(secret)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return {str(key): value for key, value in found.items() if isinstance(value, str)}
    return {"token": secret.strip()} if secret.strip() else {}
