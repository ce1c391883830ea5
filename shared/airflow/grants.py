"""The ways to exchange credentials for a token: Airflow's own log-in, OAuth, Microsoft Entra ID."""

import base64
import binascii
import json
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from azure.core.exceptions import AzureError

from shared.airflow.answer import Answer
from shared.airflow.auth import REFUSALS
from shared.airflow.call import Call
from shared.airflow.credentials import Credentials
from shared.airflow.token_pass import Token
from shared.model.errors import AirflowNotFound, AirflowUnclear, AirflowUnreachable, CredentialsRefused

_UNKNOWN_LIFETIME_SECONDS = 600.0
_LOG_IN_PATH = "/auth/token"


class Sends(Protocol):
    """Sends one call; see `AirflowHttp`."""

    def send(self, call: Call) -> Answer:
        """Send it and read its answer."""


class AirflowLogIn:
    """Airflow 3's own log-in: a user name and a password for a JWT.

    The same with the simple and the FAB auth manager:
    https://airflow.apache.org/docs/apache-airflow/stable/security/api.html
    """

    def __init__(self, http: Sends) -> None:
        self._http = http

    def fetch(self, credentials: Credentials) -> Token:
        """See `Grant`; the lifetime is `exp - iat`, so that neither side's clock matters."""
        username, password = credentials.need("username", "password")
        body = {"username": username, "password": password}
        answer = _exchange(self._http, Call(method="POST", path=_LOG_IN_PATH, body=body))
        if answer.status in REFUSALS:
            msg = f"Airflow refused the log-in ({answer.status}). {credentials.origin}"
            raise CredentialsRefused(msg)
        token = _text(answer, "access_token")
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED} or not token:
            # Not its words: a validation error repeats what was sent, the password too.
            msg = (
                f"{_LOG_IN_PATH} answered {answer.status} and gave no token. Is this Airflow 3 (AIRFLOW_API)?"
            )
            raise _no_token(answer, msg)
        return Token(text=token, lifetime_seconds=_jwt_lifetime_seconds(token))


class OAuthClient:
    """OAuth 2.0 client credentials (RFC 6749, 4.4) against a token endpoint, the secret in the form."""

    def __init__(self, http: Sends, *, scope: str) -> None:
        self._http = http
        self._scope = scope

    def fetch(self, credentials: Credentials) -> Token:
        """See `Grant`."""
        client_id, client_secret = credentials.need("client_id", "client_secret")
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            **({"scope": self._scope} if self._scope else {}),
        }
        answer = _exchange(self._http, Call(method="POST", path="", form=form))
        if answer.status in {HTTPStatus.BAD_REQUEST, *REFUSALS}:
            code = _text(answer, "error")[:40] or "no error code"
            msg = f"The token endpoint refused the client ({answer.status}, {code!a}). {credentials.origin}"
            raise CredentialsRefused(msg)
        token = _text(answer, "access_token")
        if answer.status != HTTPStatus.OK or not token:
            msg = f"The token endpoint answered {answer.status} and gave no token (AIRFLOW_OAUTH_TOKEN_URL)."
            raise _no_token(answer, msg)
        lifetime = answer.json.get("expires_in") if isinstance(answer.json, dict) else None
        seconds = float(lifetime) if isinstance(lifetime, int | float) else _UNKNOWN_LIFETIME_SECONDS
        return Token(text=token, lifetime_seconds=seconds)


class AccessToken(Protocol):
    """What `azure-identity` gives."""

    @property
    def token(self) -> str:
        """The token itself."""

    @property
    def expires_on(self) -> int:
        """Seconds since the epoch."""


class Identity(Protocol):
    """An `azure-identity` credential."""

    def get_token(self, *scopes: str) -> AccessToken:
        """Give a token for the scope; raises AzureError."""


class EntraIdentity:
    """A Microsoft Entra ID token of the app's identity, for an Airflow (or gateway) that trusts the tenant.

    Args:
        make_identity: Makes the credential anew for each token: one that is kept gives its cached token
            again, also the one that was just refused.
        scope: Such as `api://airflow/.default`.
        now: Seconds since the epoch, for `expires_on` is one.
    """

    def __init__(
        self, make_identity: Callable[[], Identity], *, scope: str, now: Callable[[], float] = time.time
    ) -> None:
        self._make_identity = make_identity
        self._scope = scope
        self._now = now

    def fetch(self, credentials: Credentials) -> Token:  # noqa: ARG002  (the identity is the credential)
        """See `Grant`."""
        try:
            token = self._make_identity().get_token(self._scope)
        except AzureError as error:
            # Only its type: the text can repeat what the endpoint was asked and answered.
            msg = (
                f"Microsoft Entra ID gave no token for {self._scope!a} ({type(error).__name__}). Has the app "
                "an identity, and is AIRFLOW_ENTRA_SCOPE the scope of Airflow's app registration?"
            )
            raise AirflowUnreachable(msg) from None
        return Token(text=token.token, lifetime_seconds=max(0.0, token.expires_on - self._now()))


def _exchange(http: Sends, call: Call) -> Answer:
    try:
        return http.send(call)
    except AirflowUnclear as error:
        # A log-in creates no run: whatever became of it, the run's request was not sent.
        msg = f"The log-in did not finish: {error}"
        raise AirflowUnreachable(msg) from None


def _no_token(answer: Answer, message: str) -> AirflowUnreachable | AirflowNotFound:
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AirflowUnreachable(message, retry_after_seconds=answer.retry_after_seconds())
    return AirflowNotFound(message)


def _text(answer: Answer, key: str) -> str:
    value = answer.json.get(key) if isinstance(answer.json, dict) else None
    return value if isinstance(value, str) else ""


def _jwt_lifetime_seconds(token: str) -> float:
    """Read `exp - iat` unverified: the token is Airflow's to verify, ours only to renew in time."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"]) - float(claims["iat"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return _UNKNOWN_LIFETIME_SECONDS
