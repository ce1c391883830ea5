"""`AirflowHttp`: keep-alive session to one server, bounded in time and size; no redirects, no cookies."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ProxyError

from shared.airflow.auth import NoAuth
from shared.airflow.deadline import NOT_SENT, DeadlineAdapter
from shared.airflow.request import Request
from shared.airflow.response import Response
from shared.model.errors import AirflowUnclear, AirflowUnreachable

_CHUNK_BYTES = 64 * 1024
_MAX_CAUSES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """How many connections the session has, how long it waits and which certificates it trusts.

    Attributes:
        threads: Threads that send; there are never more connections than that.
        connect_timeout_seconds: For a connection, and again for its TLS handshake.
        read_timeout_seconds: For a whole response, headers and body, from the moment the request is sent.
        ca_bundle: File of the certificates that the server's must descend from; None for the usual ones.
        client_certificate: File with the app's certificate, and its key's if that is separate (mTLS).
        trust_environment: Whether proxies and certificates of the environment are used.
    """

    threads: int
    connect_timeout_seconds: float
    read_timeout_seconds: float
    ca_bundle: str | None = None
    client_certificate: tuple[str, str] | str | None = None
    trust_environment: bool = False


class AirflowHttp:
    """Sends requests to one server over a pool of kept-alive connections, from any number of threads.

    TLS is verified, redirects are never followed (a log-in page is not a response), cookies are refused, and
    nothing is retried here: only the caller knows whether that is safe.
    """

    def __init__(self, base_url: str, limits: HttpLimits) -> None:
        self.base_url = base_url
        self._timeout = (limits.connect_timeout_seconds, limits.read_timeout_seconds)
        self.session = requests.Session()
        self.session.trust_env = limits.trust_environment
        self.session.verify = limits.ca_bundle or True
        self.session.cert = limits.client_certificate
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = DeadlineAdapter(pool_connections=2, pool_maxsize=limits.threads, pool_block=True)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def send(self, request: Request, *, auth: requests.auth.AuthBase | None = None) -> Response:
        """Send one request and read its whole response.

        Raises:
            AirflowUnreachable: Nothing was sent.
            AirflowUnclear: Something may have been sent, no whole response came.
            RetryableError: Whatever `auth` raises.
        """
        with _translated_errors(), self._open(request, auth or NoAuth()) as response:
            return Response(
                status=response.status_code,
                json=_json(_body(response, request.max_response_bytes)),
                retry_after=response.headers.get("Retry-After"),
                content_type=response.headers.get("Content-Type", ""),
            )

    def _open(self, request: Request, auth: requests.auth.AuthBase) -> requests.Response:
        return self.session.request(
            request.method,
            self.base_url + request.path,
            params=dict(request.query),
            json=request.body,
            data=request.form,
            auth=auth,
            # Uncompressed: the size of what is unpacked cannot be bounded before it is unpacked.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
        )


def _body(response: requests.Response, max_bytes: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            msg = f"The response is longer than {max_bytes} bytes."
            raise AirflowUnclear(msg)
    return bytes(body)


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Translate what `requests` raises: was something sent, or not?"""
    try:
        yield
    except (requests.RequestException, HTTPError, OSError) as error:
        causes = list(_causes(error))
        # Types only: a text may hold an address with a token in it.
        name = type(causes[-1]).__name__
        if any(_is_before_sending(cause) for cause in causes):
            msg = f"The server cannot be reached ({name}). Check AIRFLOW_BASE_URL, and that the server runs."
            raise AirflowUnreachable(msg) from None
        msg = f"The server's response did not arrive ({name}); the request may have been processed."
        raise AirflowUnclear(msg) from None


def _is_before_sending(cause: BaseException) -> bool:
    """Tell whether a request cannot have been sent: no address, no connection, no trusted certificate."""
    is_bad_request = isinstance(cause, requests.RequestException) and isinstance(cause, ValueError)
    is_bad_request &= not isinstance(cause, requests.JSONDecodeError)
    return (
        getattr(cause, NOT_SENT, False)
        or is_bad_request
        or isinstance(cause, NewConnectionError | ProxyError)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    depth = 0
    while current is not None and depth < _MAX_CAUSES:
        yield current
        depth += 1
        inner = current.args[0] if current.args and isinstance(current.args[0], BaseException) else None
        reason = current.reason if isinstance(current, MaxRetryError) else None
        current = reason or inner or current.__cause__ or current.__context__
