"""`AirflowHttp`: keep-alive session to one server, bounded in time and size; no redirects, no cookies."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin, urlsplit

import msgspec
import requests

from shared.airflow.auth import NoAuth
from shared.airflow.client_certificate import VaultCertificate
from shared.airflow.deadline import DeadlineAdapter
from shared.airflow.failures import causes_of, is_before_sending, reason_of
from shared.airflow.redaction import secrets_of
from shared.airflow.request import Request
from shared.airflow.response import Response
from shared.airflow.time_limit import seconds_left
from shared.model.errors import AirflowUnclear, AirflowUnreachable, BlobToDagError

_CHUNK_BYTES = 64 * 1024
_START_BYTES = 100


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many connections the session has, how long it waits and which certificates it trusts.

    Attributes:
        threads: Threads that send; there are never more connections than that.
        connect_timeout_seconds: For DNS, again for a connection, and again for its TLS handshake.
        read_timeout_seconds: For a whole response, headers and body, from the moment the request is sent.
        ca_bundle: File of the certificates that the server's must descend from; None for the usual ones.
        client_certificate: File with the app's certificate, and its key's if that is separate (mTLS).
        vault_certificate: The same from the secret.
        trust_environment: Whether proxies and certificates of the environment are used.
    """

    threads: int
    connect_timeout_seconds: float
    read_timeout_seconds: float
    ca_bundle: str | None = None
    client_certificate: tuple[str, str] | str | None = None
    vault_certificate: VaultCertificate | None = None
    trust_environment: bool = False


class AirflowHttp:
    """Sends requests to one server over a pool of kept-alive connections, from any number of threads.

    TLS is verified, redirects are never followed (a log-in page is not a response), cookies are refused, and
    nothing is retried here: only the caller knows whether that is safe.

    Args:
        base_url: Address of the server.
        limits: See `HttpLimits`.
        setting: Name of the setting that has the address, for messages.
    """

    def __init__(self, base_url: str, limits: HttpLimits, *, setting: str = "AIRFLOW_BASE_URL") -> None:
        self.base_url = base_url
        self._setting = setting
        self._limits = limits
        self.session = requests.Session()
        self.session.trust_env = limits.trust_environment
        self.session.verify = limits.ca_bundle or True
        self.session.cert = limits.client_certificate
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._lock = threading.Lock()
        self._pems = ""
        self._mount(DeadlineAdapter(threads=limits.threads))

    def send(
        self, request: Request, *, auth: requests.auth.AuthBase | None = None, base_url: str = ""
    ) -> Response:
        """Send one request and read its whole response.

        Args:
            request: The request.
            auth: Puts the credentials on it.
            base_url: Another address to ask, without credentials.

        Raises:
            AirflowUnreachable: Nothing was sent.
            AirflowUnclear: Something may have been sent, no whole response came.
            RetryableError: Whatever `auth` raises.
        """
        url = base_url or self.base_url
        self._load_certificate()
        with self._translated_errors(url), self._open(url, request, auth or NoAuth()) as response:
            body = _body(response, request.max_response_bytes)
            return Response(
                status=response.status_code,
                json=_json(body),
                retry_after=response.headers.get("Retry-After"),
                content_type=response.headers.get("Content-Type", ""),
                location=_location(response),
                date=response.headers.get("Date", ""),
                start=body[:_START_BYTES].decode("latin-1"),
                secrets=frozenset({*request.secrets, *secrets_of(response)}),
            )

    def _open(self, url: str, request: Request, auth: requests.auth.AuthBase) -> requests.Response:
        left = seconds_left()
        if left <= 0:
            msg = "The time for one delivery is used up (AIRFLOW_READ_TIMEOUT_SECONDS); nothing was sent."
            raise AirflowUnreachable(msg)
        limits = self._limits
        return self.session.request(
            request.method,
            url + request.path,
            params=dict(request.query),
            json=request.body,
            data=request.form,
            auth=auth,
            # Uncompressed: the size of what is unpacked cannot be bounded before it is unpacked.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=(min(limits.connect_timeout_seconds, left), min(limits.read_timeout_seconds, left)),
            allow_redirects=False,
            stream=True,
        )

    def _load_certificate(self) -> None:
        """Take the certificate that the secret has now; what is under way keeps its connection."""
        source = self._limits.vault_certificate
        if source is None:
            return
        pems = source.pems()
        with self._lock:
            if pems != self._pems:
                self._mount(DeadlineAdapter(threads=self._limits.threads, certificates=source.context(pems)))
                self._pems = pems

    def _mount(self, adapter: DeadlineAdapter) -> None:
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    @contextmanager
    def _translated_errors(self, url: str) -> Iterator[None]:
        """Translate what `requests` raises: was something sent, or not?"""
        try:
            yield
        except BlobToDagError:
            raise
        except Exception as error:  # noqa: BLE001  (a library's text may hold what was sent)
            causes = causes_of(error)
            address = f"{shown_address(url)} ({self._setting})"
            if is_before_sending(causes):
                msg = f"{address} cannot be reached: {reason_of(causes)}."
                raise AirflowUnreachable(msg) from None
            msg = (
                f"No whole response came from {address}: {reason_of(causes)}. The request may have been "
                "processed."
            )
            raise AirflowUnclear(msg) from None


def shown_address(url: str) -> str:
    """Return scheme, host and port of an address, with the port that is tried if it names none."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or (80 if parts.scheme == "http" else 443)
    return f"{parts.scheme}://{host}:{port}"


def _location(response: requests.Response) -> str:
    """Return where a redirect leads to, without the query, where a token might be."""
    target = response.headers.get("Location", "")
    if response.status_code // 100 != 3 or not target:  # noqa: PLR2004  (3xx)
        return ""
    try:
        parts = urlsplit(urljoin(response.url, target))
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


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
