"""`HeaderAuth`: puts a header on each request, and another one once when Airflow refuses it."""

import io
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

import requests
from requests.auth import AuthBase

from shared.airflow.credentials import Credentials

REFUSALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""Airflow answers either to bad credentials, by generation; 403 to a missing permission too."""

_LONGEST_REFUSAL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The header that lets a request in; its value is hidden from `repr`, with what it was made of."""

    header: str
    value: str = field(repr=False)
    credentials: Credentials = field(repr=False)


class PassSource(Protocol):
    """Gives passes, to any number of threads; raises RetryableError where there are none."""

    def current(self) -> Pass:
        """Give the pass to use now."""

    def renewed(self, refused: Pass, *, is_certain: bool) -> Pass:
        """Give another pass after a refusal, or the same where no other is to be had.

        `is_certain` tells a 401 from a 403, which can also mean that a good pass lacks a permission.
        """

    def accepted(self, used: Pass) -> None:
        """Note that Airflow let a request in."""


class HeaderAuth(AuthBase):
    """Signs requests with a pass.

    A refused request was not carried out, so sending it again with another pass is safe. It is sent at most
    twice, and only if there is another pass.
    """

    def __init__(self, passes: PassSource) -> None:
        self._passes = passes

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request; called by `requests` for each one. Raises RetryableError where there is no pass."""
        used = self._passes.current()
        request.headers[used.header] = used.value
        request.register_hook("response", partial(self._look, used=used))  # type: ignore[no-untyped-call]
        return request

    def _look(self, response: requests.Response, *, used: Pass, **kwargs: Any) -> requests.Response:
        if response.status_code not in REFUSALS:
            self._passes.accepted(used)
            return response
        # First of all: a log-in needs a connection, and the pool may have no other.
        _set_connection_free(response)
        is_certain = response.status_code == HTTPStatus.UNAUTHORIZED
        renewed = self._passes.renewed(used, is_certain=is_certain)
        if renewed == used:
            return response
        request = response.request.copy()
        request.headers[renewed.header] = renewed.value
        again = response.connection.send(request, **kwargs)
        again.request = request
        again.history.append(response)
        if again.status_code not in REFUSALS:
            self._passes.accepted(renewed)
        return again


def _set_connection_free(response: requests.Response) -> None:
    """Read a short answer, so that its connection carries the next request; hang up on a long one."""
    body = response.raw.read(_LONGEST_REFUSAL_BYTES, decode_content=True)
    response.raw.close()
    response.raw = io.BytesIO(body)


class NoAuth(AuthBase):
    """Adds nothing: for a gateway that knows the app by its certificate or its network."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Give the request as it is, which also keeps `requests` from looking into a `.netrc`."""
        return request
