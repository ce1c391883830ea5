"""`TokenProvider`: exchanges credentials for a token, with Airflow's log-in, OAuth or Microsoft Entra ID."""

import base64
import binascii
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from azure.core.credentials import TokenCredential

from shared.airflow.auth import REJECTIONS
from shared.airflow.credentials import Credentials, is_header_text
from shared.airflow.request import Request
from shared.airflow.response import Response
from shared.model.errors import AirflowNotFound, AirflowUnclear, AirflowUnreachable, CredentialsRefused

_UNKNOWN_LIFETIME_SECONDS = 600.0
_LONGEST_LIFETIME_SECONDS = 366 * 86_400.0
_LOG_IN_PATH = "/auth/token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token and how long it is valid."""

    text: str = field(repr=False)
    lifetime_seconds: float


class TokenProvider(Protocol):
    """Exchanges credentials for a token."""

    def fetch(self, credentials: Credentials) -> Token:
        """Return a new token.

        Raises:
            CredentialsRefused: These credentials are not accepted.
            RetryableError: There is no token for another reason; no request to start a run was sent.
        """


class AirflowLogIn:
    """Airflow 3's own log-in: a user name and a password for a JWT.

    The same with the simple and the FAB auth manager:
    https://airflow.apache.org/docs/apache-airflow/stable/security/api.html
    """

    def __init__(self, send: Callable[[Request], Response]) -> None:
        self._send = send

    def fetch(self, credentials: Credentials) -> Token:
        """See `TokenProvider`; the lifetime is `exp - iat`, so that neither side's clock matters."""
        username, password = credentials.require("username", "password")
        body = {"username": username, "password": password}
        request = Request(method="POST", path=_LOG_IN_PATH, body=body, secrets=(password,))
        response = _exchange(self._send, request)
        if response.status in REJECTIONS:
            msg = f"Airflow rejected the log-in ({response.status}). {credentials.origin}"
            raise CredentialsRefused(msg)
        token = _token(response)
        if response.status not in {HTTPStatus.OK, HTTPStatus.CREATED} or not token:
            # Without the response's text: a validation error repeats what was sent, the password too.
            msg = (
                f"{_LOG_IN_PATH} answered {response.status} without a token. Is this Airflow 3 (AIRFLOW_API)?"
            )
            raise _no_token(response, msg)
        return Token(text=token, lifetime_seconds=_jwt_lifetime_seconds(token))


class OAuthClient:
    """OAuth 2.0 client credentials (RFC 6749, 4.4) against a token endpoint, the secret in the form."""

    def __init__(self, send: Callable[[Request], Response], *, scope: str) -> None:
        self._send = send
        self._scope = scope

    def fetch(self, credentials: Credentials) -> Token:
        """See `TokenProvider`."""
        client_id, client_secret = credentials.require("client_id", "client_secret")
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            **({"scope": self._scope} if self._scope else {}),
        }
        request = Request(method="POST", path="", form=form, secrets=(client_secret,))
        response = _exchange(self._send, request)
        if response.status in {HTTPStatus.BAD_REQUEST, *REJECTIONS}:
            code = response.shown(_text(response, "error"))[:40] or "no error code"
            msg = (
                f"The token endpoint rejected the client ({response.status}, {code!a}). {credentials.origin}"
            )
            raise CredentialsRefused(msg)
        token = _token(response)
        if response.status != HTTPStatus.OK or not token:
            msg = f"The token endpoint answered {response.status} without a token (AIRFLOW_OAUTH_TOKEN_URL)."
            raise _no_token(response, msg)
        return Token(text=token, lifetime_seconds=_lifetime(response.object.get("expires_in")))


class EntraIdentity:
    """A Microsoft Entra ID token of the app's identity, for an Airflow (or gateway) that trusts the tenant.

    Args:
        make_identity: Makes a new credential for each token: one that is kept returns its cached token again,
            also the one that was just rejected.
        scope: Such as `api://airflow/.default`.
        now: Seconds since the epoch, like `expires_on`.
    """

    def __init__(
        self,
        make_identity: Callable[[], TokenCredential],
        *,
        scope: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._make_identity = make_identity
        self._scope = scope
        self._now = now

    def fetch(self, credentials: Credentials) -> Token:  # noqa: ARG002  (the identity is the credential)
        """See `TokenProvider`."""
        try:
            token = self._make_identity().get_token(self._scope)
        except Exception as error:  # noqa: BLE001  (any client of the SDK)
            # Only its type: the text can repeat what the endpoint was asked and answered.
            msg = (
                f"Microsoft Entra ID issued no token for {self._scope!a} ({type(error).__name__}). Check "
                "that the app has an identity, and that AIRFLOW_ENTRA_SCOPE is the scope of Airflow's app "
                "registration."
            )
            raise AirflowUnreachable(msg) from None
        return Token(text=token.token, lifetime_seconds=max(0.0, token.expires_on - self._now()))


def _exchange(send: Callable[[Request], Response], request: Request) -> Response:
    try:
        return send(request)
    except AirflowUnclear as error:
        # A log-in creates no run: whatever became of it, the run's request was not sent.
        msg = f"The log-in did not finish: {error}"
        raise AirflowUnreachable(msg) from None


def _no_token(response: Response, message: str) -> AirflowUnreachable | AirflowNotFound:
    if response.status == HTTPStatus.TOO_MANY_REQUESTS or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AirflowUnreachable(message, retry_after_seconds=response.retry_after_seconds())
    return AirflowNotFound(message)


def _text(response: Response, key: str) -> str:
    value = response.object.get(key)
    return value if isinstance(value, str) else ""


def _jwt_lifetime_seconds(token: str) -> float:
    """Read `exp - iat` unverified: Airflow verifies the token, the app only renews it in time."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return _lifetime(claims["exp"] - claims["iat"])
    except (IndexError, KeyError, TypeError, ValueError, RecursionError, binascii.Error):
        return _UNKNOWN_LIFETIME_SECONDS


def _token(response: Response) -> str:
    """Return the token of a response, empty where there is none that a header can carry."""
    token = _text(response, "access_token")
    return token if is_header_text(token) else ""


def _lifetime(seconds: object) -> float:
    """Return a lifetime in seconds, which no server has to state as a sensible number."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return _UNKNOWN_LIFETIME_SECONDS
    return float(seconds) if 0 <= seconds <= _LONGEST_LIFETIME_SECONDS else _UNKNOWN_LIFETIME_SECONDS
