"""`TokenAuth`: Airflow 3's own log-in, a JWT kept until shortly before it expires."""

import base64
import binascii
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

import requests
from requests.auth import AuthBase

from shared.airflow.call import Call
from shared.airflow.credentials import CredentialSource
from shared.airflow.http import AirflowHttp
from shared.errors import AirflowUnclear, AirflowUnreachable, CredentialsRefused, NotAirflow

_LOG_IN_PATH = "/auth/token"
_EARLY_SECONDS = 60.0
_LIFETIME_IF_UNREADABLE_SECONDS = 600.0
_REFUSALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    text: str = field(repr=False)
    good_until: float


class TokenAuth(AuthBase):
    """Puts a bearer token on each request; logs in when there is none, and once more on a refusal.

    One log-in at a time, however many threads need it. The token's lifetime is `exp - iat` on the
    monotonic clock, so a wrong wall clock on either side does no harm. Airflow 3 answers 401 to an expired
    token and 403 to one that it cannot read (after its secret was changed); neither was carried out, so
    sending again is safe.

    Raises, while authenticating:
        CredentialsRefused: Airflow does not accept the user name and password.
        NotAirflow: The log-in address answers, but not with a token.
        AirflowUnreachable: No log-in could be made; the request itself was not sent.
    """

    def __init__(
        self, http: AirflowHttp, source: CredentialSource, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request; called by `requests` for each one."""
        token = self._current(refused=None)
        request.headers["Authorization"] = f"Bearer {token.text}"
        hook = partial(self._again, used=token)
        request.register_hook("response", hook)  # type: ignore[no-untyped-call]
        return request

    def _again(self, response: requests.Response, *, used: _Token, **kwargs: Any) -> requests.Response:
        """Send the request once more with a new token if the old one was refused."""
        if response.status_code not in _REFUSALS:
            return response
        # Before the log-in: it needs a connection, and the pool may have no other.
        response.close()
        token = self._current(refused=used)
        request = response.request.copy()
        request.headers["Authorization"] = f"Bearer {token.text}"
        again = response.connection.send(request, **kwargs)
        again.history.append(response)
        again.request = request
        return again

    def _current(self, *, refused: _Token | None) -> _Token:
        """Give the token; a new one if there is none, it is old, or it is the one just refused."""
        with self._lock:
            token = self._token
            if token is None or token is refused or self._clock() >= token.good_until:
                token = self._token = self._log_in()
            return token

    def _log_in(self) -> _Token:
        credentials = self._source.get()
        body = {"username": credentials.username, "password": credentials.password}
        try:
            answer = self._http.send(Call(method="POST", path=_LOG_IN_PATH, body=body))
        except AirflowUnclear as error:
            # A log-in creates no run: whatever became of it, the run's request was not sent.
            msg = f"The log-in to Airflow did not finish: {error}"
            raise AirflowUnreachable(msg) from error
        if answer.status in _REFUSALS:
            msg = f"Airflow refused the log-in ({answer.status}). Are user name and password right?"
            raise CredentialsRefused(msg)
        token = answer.json.get("access_token") if isinstance(answer.json, dict) else None
        if answer.status != HTTPStatus.CREATED or not isinstance(token, str) or not token:
            # Not its words: a validation error repeats what was sent, the password too.
            msg = f"{_LOG_IN_PATH} answered {answer.status} and gave no token: is this Airflow 3?"
            raise NotAirflow(msg)
        return _Token(text=token, good_until=self._clock() + _lifetime_seconds(token) - _EARLY_SECONDS)


def _lifetime_seconds(token: str) -> float:
    """Read `exp - iat` of a JWT unverified: it is Airflow's to verify, ours only to renew in time."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"]) - float(claims["iat"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return _LIFETIME_IF_UNREADABLE_SECONDS
