"""`GuardedClient`: the Airflow client with a permit for each call, and a judgement of each failure."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from shared.airflow.client import Delivery
from shared.airflow.time_limit import seconds_left
from shared.delivery.permits import Permits
from shared.model.errors import (
    AirflowNotFound,
    AirflowUnclear,
    AirflowUnreachable,
    BlobToDagError,
    CredentialsRefused,
    DagBroken,
    DagMissing,
    NotAirflow,
    RetryableError,
    Scope,
)
from shared.model.lane import Lane
from shared.model.run_request import RunRequest

_ANSWER_HOLDS_SECONDS = 5.0
_ACCEPTED_HOLDS_SECONDS = 30.0


class Question:
    """Asks Airflow something; the answer holds for five seconds, for all threads.

    Args:
        ask: Asks it; raises RetryableError.
        clock: Monotonic seconds.
    """

    def __init__(self, ask: Callable[[], object], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._error: RetryableError | None = None

    def failure(self) -> RetryableError | None:
        """Return why it cannot be answered; None where it can."""
        with self._lock:
            if self._clock() - self._asked_at >= _ANSWER_HOLDS_SECONDS:
                self._error = None
                try:
                    self._ask()
                except RetryableError as error:
                    self._error = error
                self._asked_at = self._clock()
            return self._error


class Airflow(Protocol):
    """What the app asks of Airflow; see `AirflowClient`."""

    def trigger(self, run: RunRequest) -> Delivery:
        """Make sure that the run is there."""

    def explained(self, error: RetryableError, dag_id: str) -> RetryableError:
        """Return the error of a missing or broken DAG with what else Airflow knows about it."""

    def check_log_in(self) -> None:
        """Ask what only a known user is answered; raises CredentialsRefused."""

    def find(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a run; None if there is none."""

    def is_paused(self, dag_id: str) -> bool:
        """Tell whether the DAG is paused."""

    def waiting_runs(self, dag_id: str | None = None) -> int:
        """Count the runs that wait for a worker, of one DAG or of all."""

    def version(self) -> str:
        """Ask which Airflow it is."""


class GuardedClient:
    """Calls Airflow, never more at once than is allowed. All methods raise AtCapacity.

    Args:
        airflow: The client.
        permits: How many calls may be in flight.
        clock: Monotonic seconds.
    """

    def __init__(
        self, airflow: Airflow, permits: Permits, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._airflow = airflow
        self.permits = permits
        self._clock = clock
        self._version = Question(airflow.version, clock)
        self._log_in = Question(airflow.check_log_in, clock)
        self._accepted_at = float("-inf")

    def trigger(self, run: RunRequest, lane: Lane) -> Delivery:
        """Make sure that the run is there; raises what `AirflowClient.trigger` raises."""
        try:
            with self.permits.acquire(lane):
                return self._trigger(run, lane)
        except (DagMissing, DagBroken) as error:
            # Without a permit: the questions are for the message only.
            raise self._airflow.explained(error, run.dag_id) from None

    def _trigger(self, run: RunRequest, lane: Lane) -> Delivery:
        try:
            delivery = self._airflow.trigger(run)
        except BlobToDagError as error:
            if error.is_answer:
                self._accepted_at = self._clock()
            else:
                self.permits.narrow(lane)
            raise
        self._accepted_at = self._clock()
        self.permits.widen(lane)
        return delivery

    def find(self, dag_id: str, run_id: str, lane: Lane) -> str | None:
        """Return the state of a run; None if there is none."""
        with self.permits.acquire(lane):
            return self._airflow.find(dag_id, run_id)

    def is_paused(self, dag_id: str, lane: Lane) -> bool:
        """Tell whether the DAG is paused."""
        with self.permits.acquire(lane):
            return self._airflow.is_paused(dag_id)

    def waiting_runs(self, dag_id: str | None) -> int:
        """Count the runs that wait for a worker, of one DAG or of all."""
        return self._airflow.waiting_runs(dag_id)

    def judge(self, error: RetryableError) -> RetryableError:
        """Return the error with the scope that the evidence supports.

        One failed call may be the event's, its DAG's or Airflow's own trouble: a gateway may refuse one name.
        A question that has nothing to do with the event tells Airflow's trouble from the rest. A log-in that
        Airflow accepted a moment ago is not refused. Without time to ask, nothing is said of others.
        """
        if seconds_left() <= 0:
            error.scope = Scope.EVENT
            return error
        if isinstance(error, CredentialsRefused):
            error.scope = Scope.EVENT if self._is_logged_in() else Scope.AIRFLOW
        elif isinstance(error, AirflowUnclear | NotAirflow | AirflowUnreachable | AirflowNotFound):
            error.scope = Scope.AIRFLOW if self._version.failure() else Scope.EVENT
        return error

    def _is_logged_in(self) -> bool:
        if self._clock() - self._accepted_at < _ACCEPTED_HOLDS_SECONDS:
            return True
        failure = self._log_in.failure()
        return failure is None or failure.is_answer
