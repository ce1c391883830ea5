"""`ApiSession`: the dialect that Airflow speaks, and its log-in; asked of the server if not set."""

import re
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Protocol

import msgspec
from requests.auth import AuthBase

from shared.airflow.again import ask_twice
from shared.airflow.dialects.base import Dialect
from shared.airflow.dialects.experimental import Experimental
from shared.airflow.dialects.v1 import V1
from shared.airflow.dialects.v2 import V2
from shared.airflow.request import Flow, Request
from shared.airflow.response import Response
from shared.event_log import EventLog
from shared.model.errors import AirflowNotFound, AirflowUnclear, AirflowUnreachable, RetryableError

DIALECTS: Sequence[Dialect] = (V2, V1, Experimental())
"""All dialects, in the order in which they are tried: an Airflow 2 may still have the old API switched on."""

_DETECTION_PAUSE_SECONDS = 60.0
_FIRST_WITH_NOTES = (2, 5)
_CHECK = (
    "Check that the address has its whole path and that the API is switched on. If a gateway hides it, set "
    "AIRFLOW_API."
)


class ApiSession(msgspec.Struct, frozen=True, kw_only=True):
    """A dialect, and the authentication that goes with it.

    Attributes:
        dialect: The dialect.
        auth: Logs in.
        auth_kind: Value of `AIRFLOW_AUTH` that it stands for.
        version: Of Airflow, where it was asked; empty where the settings name the dialect.
    """

    dialect: Dialect
    auth: AuthBase
    auth_kind: str = ""
    version: str = ""

    @property
    def takes_notes(self) -> bool:
        """Whether a run may have a note: an Airflow before 2.5 refuses the field, and with it the run."""
        if self.dialect is not V1:
            return True
        numbers = re.match(r"(\d+)\.(\d+)", self.version)
        return bool(numbers and (int(numbers[1]), int(numbers[2])) >= _FIRST_WITH_NOTES)


class SessionSource(Protocol):
    """Provides the session, to any number of threads."""

    def get(self) -> ApiSession:
        """Return it; raises RetryableError if it cannot be found out now."""

    def invalidate(self) -> None:
        """Note that Airflow did not answer in this dialect."""


class FixedSession:
    """The session that the settings name; nothing invalidates it."""

    def __init__(self, session: ApiSession) -> None:
        self._session = session

    def get(self) -> ApiSession:
        """Return it."""
        return self._session

    def invalidate(self) -> None:
        """Do nothing: the settings have decided."""


class DetectedSession:
    """Asks the server which dialect it speaks, once; after `invalidate` again, at most once a minute.

    So an upgrade of Airflow needs no restart of the app. What was learnt stays until an answer contradicts:
    a server that fails meanwhile has not become another one.

    Args:
        send: Sends a question.
        make: Makes the session of a dialect.
        log: Takes the API that was detected.
        elsewhere: Returns a sentence with where Airflow is, if it is not at the address.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        send: Callable[[Request], Response],
        make: Callable[[Dialect], ApiSession],
        log: EventLog,
        *,
        elsewhere: Callable[[], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._make = make
        self._log = log
        self._elsewhere = elsewhere
        self._clock = clock
        self._lock = threading.Lock()
        self._session: ApiSession | None = None
        self._is_doubted = False
        self._next_detection = 0.0
        self._failure: RetryableError | None = None
        self._failed_at = -1.0

    def get(self) -> ApiSession:
        """Return the session.

        Raises:
            AirflowUnreachable: The server does not answer; nothing but questions was sent.
            AirflowNotFound: It answers, but has no API that we know.
        """
        known = self._session
        if known is None:
            return self._first()
        if self._is_doubted and self._lock.acquire(blocking=False):
            # The others go on with what is known.
            try:
                self._review(known)
            finally:
                self._lock.release()
        return self._session or known

    def invalidate(self) -> None:
        """Ask again with the next call, unless that was done within the last minute."""
        if self._clock() >= self._next_detection:
            self._is_doubted = True

    def _first(self) -> ApiSession:
        asked_at = self._clock()
        with self._lock:
            if self._session is not None:
                return self._session
            if self._failure and self._failed_at > asked_at:
                # Another thread asked while this one waited: one question has failed, not two.
                raise type(self._failure)(
                    str(self._failure), retry_after_seconds=self._failure.retry_after_seconds
                )
            try:
                self._session = self._detect()
            except RetryableError as error:
                self._failure, self._failed_at = error, self._clock()
                raise
            self._next_detection = self._clock() + _DETECTION_PAUSE_SECONDS
            return self._session

    def _review(self, known: ApiSession) -> None:
        self._is_doubted = False
        self._next_detection = self._clock() + _DETECTION_PAUSE_SECONDS
        try:
            found = self._detect()
        except RetryableError:
            return
        if (found.dialect.name, found.version) != (known.dialect.name, known.version):
            self._session = found

    def _detect(self) -> ApiSession:
        """Ask, and ask again after a hiccup; raises AirflowUnreachable or AirflowNotFound."""
        try:
            return ask_twice(self._detect_once)
        except AirflowUnclear as error:
            # Only questions were sent.
            raise AirflowUnreachable(str(error), retry_after_seconds=error.retry_after_seconds) from None

    def _detect_once(self) -> ApiSession:
        seen: list[str] = []
        for dialect in DIALECTS:
            response, version = self._ask(dialect)
            # The old API has even its test behind the log-in, the newer ones show their version to all.
            is_locked = dialect.name == "experimental" and response.status in {
                HTTPStatus.UNAUTHORIZED,
                HTTPStatus.FORBIDDEN,
            }
            if version or (is_locked and all(status == "404" for status in seen)):
                self._log.info("airflow.detected", api=dialect.name, version=version)
                return msgspec.structs.replace(self._make(dialect), version=version or "")
            is_torn = response.status == HTTPStatus.OK and response.json is None and not response.is_page
            if is_torn or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                said = response.error_detail
                msg = f"Airflow answered {response.status} when asked which API it has: {said}."
                raise AirflowUnreachable(msg, retry_after_seconds=response.retry_after_seconds())
            seen.append(str(response.status))
        msg = (
            f"No Airflow API was found at AIRFLOW_BASE_URL (it answered {', '.join(seen)}). "
            f"{self._elsewhere() or _CHECK}"
        )
        raise AirflowNotFound(msg)

    def _ask(self, dialect: Dialect) -> tuple[Response, str | None]:
        responses: list[Response] = []

        def send(request: Request) -> Response:
            responses.append(self._send(request))
            return responses[-1]

        try:
            version = run_flow(dialect.version(), send)
        except RetryableError:
            if not responses:
                raise
            version = None
        return responses[-1], version


def run_flow[T](flow: Flow[T], send: Callable[[Request], Response]) -> T:
    """Send what the flow yields, hand it the responses, return its result."""
    try:
        request = next(flow)
        while True:
            request = flow.send(send(request))
    except StopIteration as end:
        result: T = end.value
        return result
