"""`Credentials`: what logs in to Airflow, and where it is read from."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from shared.model.errors import CredentialsRefused, Misconfigured

_SETTINGS = {
    "username": "AIRFLOW_USERNAME",
    "password": "AIRFLOW_PASSWORD",
    "token": "AIRFLOW_TOKEN",
    "client_id": "AIRFLOW_OAUTH_CLIENT_ID",
    "client_secret": "AIRFLOW_OAUTH_CLIENT_SECRET",
}

_PEMS = {"client_certificate", "client_key"}
"""Fields of several lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """`username` and `password`, `token`, or `client_id` and `client_secret`.

    Attributes:
        fields: By name; hidden from `repr`.
        origin: A sentence that says where they are read from.
    """

    fields: Mapping[str, str] = field(repr=False)
    origin: str = field(compare=False)

    def require(self, *names: str) -> tuple[str, ...]:
        """Return these fields; raises Misconfigured with the names of those that are missing."""
        missing = [name for name in names if not self.fields.get(name)]
        if missing:
            msg = (
                f"There is no {' and no '.join(missing)} to log in to Airflow with. {self.origin} If the app "
                "needs none, set AIRFLOW_AUTH=none."
            )
            raise Misconfigured(msg)
        for name in names:
            self._check(name)
        return tuple(self.fields[name] for name in names)

    def _check(self, name: str) -> None:
        """Raise Misconfigured for a value that cannot be sent; a library's own error would repeat it."""
        value = self.fields[name]
        fault = ""
        if name in _PEMS:
            pass
        elif not value.isprintable():
            fault = "a line break or another character that cannot be printed"
        elif name == "token" and not is_header_text(value):
            fault = "characters that no header can carry, such as curly quotes"
        elif name == "username" and ":" in value:
            fault = "a colon"
        if fault:
            msg = f"The {name} to log in to Airflow with contains {fault}. {self.origin}"
            raise Misconfigured(msg)


def is_header_text(text: str) -> bool:
    """Tell whether a header can carry a text as it is (RFC 9110, 5.5, without obsolete characters)."""
    return text.isascii() and text.isprintable() and text == text.strip()


class CredentialSource(Protocol):
    """Where credentials come from; asked often, so it caches what is slow."""

    def get(self) -> Credentials:
        """Return the credentials; raises RetryableError if they cannot be read."""

    def refresh(self) -> Credentials:
        """Return them after a fresh read, unless that was done just now; raises as `get`."""


class EnvironmentCredentials:
    """Credentials in app settings: for the local stack. In Azure they belong into Key Vault."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def get(self) -> Credentials:
        """Return what is set; never cached."""
        found = {key: self._environ.get(name, "").strip() for key, name in _SETTINGS.items()}
        origin = f"They are read from {', '.join(_SETTINGS.values())}."
        return Credentials(fields={key: text for key, text in found.items() if text}, origin=origin)

    refresh = get


class Rotation:
    """Picks the credentials to use while they are being changed in two places, one after the other.

    The newest are used as soon as they are seen. If Airflow rejects them, the source is read again; if it has
    nothing newer, those that worked last are used: Airflow may not know the new ones yet. A rejection is
    remembered for a while, then the newest are tried again.

    Args:
        source: Where they come from.
        refusal_pause_seconds: How long a rejection is remembered.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        source: CredentialSource,
        *,
        refusal_pause_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._pause = refusal_pause_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._worked: Credentials | None = None
        self._refused: Credentials | None = None
        self._refused_until = 0.0

    def current(self) -> Credentials:
        """Return the newest, or those that worked last while the newest are rejected."""
        newest = self._source.get()
        with self._lock:
            return self._worked if self._worked and self._is_refused(newest) else newest

    def worked(self, credentials: Credentials) -> None:
        """Note that Airflow accepted them."""
        if self._worked is not credentials:
            with self._lock:
                self._worked = credentials

    def after_refusal(self, refused: Credentials, *, is_certain: bool) -> Credentials | None:
        """Return alternative credentials after a rejection, or None.

        A rejection that is not certain (a good log-in may lack a permission) is not remembered.
        """
        newest = self._source.get()
        if newest == refused:
            newest = self._source.refresh()
        with self._lock:
            if newest != refused and not self._is_refused(newest):
                return newest
            if newest == refused and is_certain:
                self._refused = refused
                self._refused_until = self._clock() + self._pause
            return self._worked if self._worked and self._worked != refused else None

    def raise_if_refused(self, credentials: Credentials) -> None:
        """Raise CredentialsRefused if Airflow rejected these a moment ago."""
        with self._lock:
            is_refused = self._is_refused(credentials)
        if is_refused:
            msg = f"Airflow rejected the log-in a moment ago, and there is no other. {credentials.origin}"
            raise CredentialsRefused(msg)

    def _is_refused(self, credentials: Credentials) -> bool:
        return credentials == self._refused and self._clock() < self._refused_until
