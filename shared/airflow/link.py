"""`Link`: which dialect is spoken with Airflow, and with which log-in; found out once where it is not set."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from requests.auth import AuthBase

from shared.airflow.answer import Answer
from shared.airflow.call import Call, Exchange
from shared.airflow.dialect import Dialect
from shared.airflow.experimental import Experimental
from shared.airflow.v1 import V1
from shared.airflow.v2 import V2
from shared.event_log import EventLog
from shared.model.errors import AirflowNotFound, AirflowUnclear, AirflowUnreachable, RetryableError

DIALECTS: Sequence[Dialect] = (V2, V1, Experimental())
"""All dialects, in the order in which they are looked for: an Airflow 2 may still speak the old one."""

_DOUBT_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A dialect, and the auth object that goes with it."""

    dialect: Dialect
    auth: AuthBase


class LinkSource(Protocol):
    """Gives the link, to any number of threads."""

    def get(self) -> Link:
        """Give it; raises RetryableError where it cannot be found out now."""

    def doubt(self) -> None:
        """Note that Airflow did not answer as this dialect does."""


class FixedLink:
    """The link that the settings name."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def get(self) -> Link:
        """Give it."""
        return self._link

    def doubt(self) -> None:
        """Stay: the settings have decided."""


class DetectedLink:
    """Asks the server which dialect it speaks, once; and again, once a minute at most, when that is in doubt.

    Doubt means that Airflow has been upgraded while the app runs: no restart is needed.
    """

    def __init__(
        self,
        send: Callable[[Call], Answer],
        make: Callable[[Dialect], Link],
        log: EventLog,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._make = make
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._link: Link | None = None
        self._next_doubt = 0.0
        self._failed_at = -1.0

    def get(self) -> Link:
        """Give the link.

        Raises:
            AirflowUnreachable: The server does not answer; nothing but questions was sent.
            AirflowNotFound: It answers, but is no Airflow that we know.
        """
        asked_at = self._clock()
        with self._lock:
            if self._link is None:
                if self._failed_at > asked_at:
                    msg = "Airflow could not be asked which API it has."
                    raise AirflowUnreachable(msg)
                try:
                    self._link = self._make(self._detect())
                except AirflowUnclear as error:
                    self._failed_at = self._clock()
                    raise AirflowUnreachable(str(error)) from None
                except AirflowUnreachable:
                    self._failed_at = self._clock()
                    raise
                self._next_doubt = self._clock() + _DOUBT_PAUSE_SECONDS
            return self._link

    def doubt(self) -> None:
        """Ask again with the next call, unless it was asked within the last minute."""
        with self._lock:
            if self._clock() >= self._next_doubt:
                self._link = None

    def _detect(self) -> Dialect:
        seen: list[str] = []
        for dialect in DIALECTS:
            answer, version = self._ask(dialect)
            # The old API hides even its test behind the log-in, the newer ones show their version to all.
            is_locked = dialect.name == "experimental" and answer.status in {
                HTTPStatus.UNAUTHORIZED,
                HTTPStatus.FORBIDDEN,
            }
            if version or (is_locked and all(status == "404" for status in seen)):
                self._log.info("airflow.detected", api=dialect.name, version=version)
                return dialect
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                msg = f"Airflow answered {answer.status} when asked which API it has."
                raise AirflowUnreachable(msg, retry_after_seconds=answer.retry_after_seconds())
            seen.append(str(answer.status))
        msg = (
            f"No Airflow API was found at AIRFLOW_BASE_URL (answers: {', '.join(seen)}). Does the address "
            "hold the whole path, is the API switched on? If a gateway hides it, set AIRFLOW_API."
        )
        raise AirflowNotFound(msg)

    def _ask(self, dialect: Dialect) -> tuple[Answer, str | None]:
        heard: list[Answer] = []

        def send(call: Call) -> Answer:
            heard.append(self._send(call))
            return heard[-1]

        try:
            version = converse(dialect.version(), send)
        except RetryableError:
            if not heard:
                raise
            version = None
        return heard[-1], version


def converse[T](exchange: Exchange[T], send: Callable[[Call], Answer]) -> T:
    """Carry an exchange through: send what it asks, tell it what was answered, give its result."""
    try:
        call = next(exchange)
        while True:
            call = exchange.send(send(call))
    except StopIteration as end:
        result: T = end.value
        return result
