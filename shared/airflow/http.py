"""The one HTTP session to Airflow: kept alive, bounded in time and size, and suspicious."""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NameResolutionError, NewConnectionError

from shared.airflow.answer import Answer
from shared.airflow.call import Call
from shared.errors import AirflowUnclear, AirflowUnreachable

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""More than any page of a list; a server that sends more is not answering us."""

_NEVER_SENT = (NewConnectionError, NameResolutionError, ConnectTimeoutError, ssl.SSLCertVerificationError)


class AirflowHttp:
    """Sends calls to one Airflow over one pool of kept-alive connections, from any number of threads.

    TLS is verified, redirects are never followed (a log-in page is not an answer), cookies are refused,
    proxies and `.netrc` of the environment are not looked at. The pool is as wide as the threads and never
    wider, so a burst cannot open more connections than that.
    """

    def __init__(
        self,
        base_url: str,
        *,
        threads: int,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.base_url = base_url
        self._timeout = (connect_timeout_seconds, read_timeout_seconds)
        self._read_timeout_seconds = read_timeout_seconds
        self._clock = clock
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=threads, pool_block=True)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def send(self, call: Call, *, auth: requests.auth.AuthBase | None = None) -> Answer:
        """Send one call and read its whole answer.

        Raises:
            AirflowUnreachable: Nothing was sent.
            AirflowUnclear: Something may have been sent, no whole answer came.
            TryAgain: Whatever `auth` raises.
        """
        with _translated(), self._response(call, auth) as response:
            return Answer(
                status=response.status_code,
                json=_json(self._body(response)),
                retry_after=response.headers.get("Retry-After"),
                content_type=response.headers.get("Content-Type", ""),
            )

    def _response(self, call: Call, auth: requests.auth.AuthBase | None) -> requests.Response:
        return self.session.request(
            call.method,
            self.base_url + call.path,
            params=dict(call.query),
            json=call.body,
            auth=auth,
            headers={"Accept": "application/json"},
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
        )

    def _body(self, response: requests.Response) -> bytes:
        """Read the body within the read time-out as a whole, which a slow drip would stretch for ever."""
        end = self._clock() + self._read_timeout_seconds
        body = bytearray()
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES or self._clock() > end:
                msg = "Airflow's answer was too long or too slow to read."
                raise AirflowUnclear(msg)
        return bytes(body)


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what `requests` raises into our tree: was something sent, or not?

    `requests.ConnectTimeout`'s own documentation says that it is safe to retry; of its other errors only
    those whose cause lies before the request are.
    """
    try:
        yield
    except requests.RequestException as error:
        name = type(error).__name__
        if _was_never_sent(error):
            msg = f"Airflow cannot be reached ({name}: {_cause(error)}). Is AIRFLOW_BASE_URL right, is it up?"
            raise AirflowUnreachable(msg) from None
        msg = f"Airflow's answer did not arrive ({name}: {_cause(error)}); the run may have been created."
        raise AirflowUnclear(msg) from None


def _was_never_sent(error: requests.RequestException) -> bool:
    return any(isinstance(cause, _NEVER_SENT) for cause in _causes(error))


def _cause(error: BaseException) -> str:
    """Name the innermost cause by its type: its text may hold an address with a token."""
    return type([*_causes(error)][-1]).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(10):
        if current is None:
            return
        yield current
        inner = current.args[0] if current.args and isinstance(current.args[0], BaseException) else None
        reason = current.reason if isinstance(current, MaxRetryError) else None
        current = reason or inner or current.__cause__ or current.__context__
