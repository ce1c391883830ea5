"""`CircuitBreaker`: while Airflow is known to be down, nobody waits for it to find that out again."""

import threading
import time
from collections.abc import Callable

from shared.event_log import EventLog
from shared.model.errors import (
    AirflowBusy,
    AirflowDown,
    AirflowUnclear,
    AirflowUnreachable,
    BlobToDagError,
    CredentialsRefused,
    DagMissing,
    DateTaken,
    Forbidden,
    NotAirflow,
    RunRefused,
    RetryableError,
)
from shared.timing import Timing


class CircuitBreaker:
    """Opens after some failures in a row, then lets one call through every `probe_seconds`.

    One for each instance: instances see different networks, and sharing state would be one more thing to
    fail. A refused run or a missing DAG proves that Airflow answers, so it closes the breaker; an error that
    says neither (nothing was sent) leaves it as it is.

    Args:
        name: What it guards, for the log.
        trips: The errors that count.
        proofs: The errors that prove the contrary, as a success does.
        threshold: Failures in a row that open it.
        probe_seconds: How long it stays open before one call may try.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        trips: tuple[type[BlobToDagError], ...],
        proofs: tuple[type[BlobToDagError], ...],
        threshold: int,
        probe_seconds: float,
        log: EventLog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._trips = trips
        self._proofs = proofs
        self._threshold = threshold
        self._probe_seconds = probe_seconds
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: set[str] = set()
        self._next_probe: float | None = None
        self._why = ""

    @property
    def is_open(self) -> bool:
        """Whether calls are being held back, probes apart."""
        return self._next_probe is not None

    def seconds_until_probe(self) -> float:
        """Give how long no call would be let through; 0 when one would be."""
        with self._lock:
            return 0.0 if self._next_probe is None else max(0.0, self._next_probe - self._clock())

    def call[T](self, attempt: Callable[[], T], *, about: str = "") -> T:
        """Make the call, or not.

        `about` names what the call is about: the same thing failing again and again is one failure.

        Raises:
            AirflowDown: It is open and the time for a probe has not come; nothing was sent.
            BlobToDagError: Whatever the call raises.
        """
        self._let_through()
        try:
            result = attempt()
        except self._trips as error:
            self._failed(error, about)
            raise
        except self._proofs:
            self.close()
            raise
        self.close()
        return result

    def close(self) -> None:
        """Let calls through again: one succeeded, or what was wrong has been changed."""
        with self._lock:
            was_open = self._next_probe is not None
            self._failures.clear()
            self._next_probe = None
        if was_open:
            self._log.info("breaker.closed", guards=self._name)

    def _let_through(self) -> None:
        with self._lock:
            if self._next_probe is None:
                return
            if self._clock() >= self._next_probe:
                # This call is the probe; the next may be made only after another interval.
                self._next_probe = self._clock() + self._probe_seconds
                return
            why = self._why
        msg = f"Held back, as {self._name} failed before: {why}"
        raise AirflowDown(msg)

    def _failed(self, error: BlobToDagError, about: str) -> None:
        # Who cannot be reached at all is down whatever is asked.
        is_about_all = isinstance(error, RetryableError) and not error.may_have_been_sent
        with self._lock:
            self._failures.add(f"#{len(self._failures)}" if is_about_all or not about else about)
            self._why = str(error)
            opens = len(self._failures) >= self._threshold and self._next_probe is None
            if self._next_probe is not None or opens:
                self._next_probe = self._clock() + self._probe_seconds
        if opens:
            self._log.error("breaker.open", guards=self._name, message=self._why)


_ANSWERS = (AirflowBusy, DagMissing, DateTaken, Forbidden, RunRefused)


def airflow_breaker(log: EventLog, timing: Timing) -> CircuitBreaker:
    """Guard Airflow itself: unwell is who answers nothing, or nonsense, five times in a row."""
    return CircuitBreaker(
        "Airflow",
        trips=(AirflowUnreachable, AirflowUnclear, NotAirflow),
        proofs=(*_ANSWERS, CredentialsRefused),
        threshold=5,
        probe_seconds=timing.airflow_probe_seconds,
        log=log,
        clock=timing.clock,
    )


def credentials_breaker(log: EventLog, timing: Timing) -> CircuitBreaker:
    """Guard the account in Airflow: a wrong password, tried again and again, gets it locked."""
    return CircuitBreaker(
        "the log-in to Airflow",
        trips=(CredentialsRefused,),
        proofs=_ANSWERS,
        threshold=1,
        probe_seconds=timing.log_in_probe_seconds,
        log=log,
        clock=timing.clock,
    )
