"""`HeaderAuth`: puts a header on each request, and another one once if Airflow rejects it."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

import requests
from requests.auth import AuthBase

from shared.airflow.credentials import Credentials, Rotation

REJECTIONS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""Airflow answers either to bad credentials, by generation; 403 also to a missing permission."""

_REJECTION_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthHeader:
    """The header that authenticates a request; its value and its credentials are hidden from `repr`."""

    name: str
    value: str = field(repr=False)
    credentials: Credentials = field(repr=False)


class HeaderProvider(Protocol):
    """Provides headers, to any number of threads; raises RetryableError if it has none."""

    def current(self) -> AuthHeader:
        """Return the header to use now."""

    def renewed(self, rejected: AuthHeader, *, is_certain: bool) -> AuthHeader:
        """Return another header after a rejection, or the same if there is no other.

        `is_certain` tells a 401 from a 403, which can also mean that a good header lacks a permission.
        """

    def accepted(self, used: AuthHeader) -> None:
        """Note that Airflow accepted a request with this header."""


class HeaderAuth(AuthBase):
    """Authenticates requests with a header.

    A rejected request was not processed, so sending it again with another header is safe. It is sent at most
    twice, and only if there is another header.
    """

    def __init__(self, headers: HeaderProvider) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header; called by `requests` for each request. Raises RetryableError if there is none."""
        used = self._headers.current()
        request.headers[used.name] = used.value
        request.register_hook("response", partial(self._check, used=used))  # type: ignore[no-untyped-call]
        return request

    def _check(self, response: requests.Response, *, used: AuthHeader, **kwargs: Any) -> requests.Response:
        if response.status_code not in REJECTIONS:
            self._headers.accepted(used)
            return response
        # First: a log-in needs a connection, and the pool may have no other.
        _release_connection(response)
        is_certain = response.status_code == HTTPStatus.UNAUTHORIZED
        renewed = self._headers.renewed(used, is_certain=is_certain)
        if renewed == used:
            return response
        request = response.request.copy()
        request.headers[renewed.name] = renewed.value
        again = response.connection.send(request, **kwargs)
        again.request = request
        again.history.append(response)
        if again.status_code not in REJECTIONS:
            self._headers.accepted(renewed)
        return again


def _release_connection(response: requests.Response) -> None:
    """Read a short response, so that its connection carries the next request; close it after a long one."""
    body = response.raw.read(_REJECTION_MAX_BYTES, decode_content=True)
    response.raw.close()
    response.raw = io.BytesIO(body)


class NoAuth(AuthBase):
    """Adds nothing: for a gateway that knows the app by its certificate or its network."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request as it is, which also keeps `requests` from reading a `.netrc`."""
        return request


class FixedHeader:
    """Sends the credentials themselves with each request.

    Args:
        rotation: Picks the credentials.
        write: Makes a header of them; `basic`, `bearer` or `api_key`.
    """

    def __init__(self, rotation: Rotation, write: Callable[[Credentials], AuthHeader]) -> None:
        self._rotation = rotation
        self._write = write

    def current(self) -> AuthHeader:
        """See `HeaderProvider`.

        Raises:
            CredentialsRefused: Airflow rejected these a moment ago; it is not asked again with each event.
        """
        credentials = self._rotation.current()
        self._rotation.raise_if_refused(credentials)
        return self._write(credentials)

    def renewed(self, rejected: AuthHeader, *, is_certain: bool) -> AuthHeader:
        """See `HeaderProvider`."""
        other = self._rotation.after_refusal(rejected.credentials, is_certain=is_certain)
        return self._write(other) if other else rejected

    def accepted(self, used: AuthHeader) -> None:
        """See `HeaderProvider`."""
        self._rotation.worked(used.credentials)


def basic(credentials: Credentials) -> AuthHeader:
    """Return user name and password as a header (RFC 7617, in UTF-8)."""
    pair = ":".join(credentials.require("username", "password"))
    value = "Basic " + base64.b64encode(pair.encode()).decode()
    return AuthHeader(name="Authorization", value=value, credentials=credentials)


def bearer(credentials: Credentials) -> AuthHeader:
    """Return a token that was issued elsewhere, such as by Astronomer, as a header (RFC 6750)."""
    (token,) = credentials.require("token")
    return AuthHeader(name="Authorization", value=f"Bearer {token}", credentials=credentials)


def api_key(credentials: Credentials, *, name: str) -> AuthHeader:
    """Return a token in a header of this name, as gateways take their API keys."""
    (token,) = credentials.require("token")
    return AuthHeader(name=name, value=token, credentials=credentials)
