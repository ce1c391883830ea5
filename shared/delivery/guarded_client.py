"""`GuardedClient`: the Airflow client with a permit for each call, and a judgement of each failure."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from shared.airflow.client import Delivery
from shared.delivery.permits import Permits
from shared.model.errors import RetryableError, Scope
from shared.model.lane import Lane
from shared.model.run_request import RunRequest

_ANSWER_HOLDS_SECONDS = 5.0


class Airflow(Protocol):
    """What the app asks of Airflow; see `AirflowClient`."""

    def trigger(self, run: RunRequest) -> Delivery:
        """Make sure that the run is there."""

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
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._answer: RetryableError | None = None

    def trigger(self, run: RunRequest, lane: Lane) -> Delivery:
        """Make sure that the run is there; raises what `AirflowClient.trigger` raises."""
        with self.permits.acquire(lane):
            try:
                delivery = self._airflow.trigger(run)
            except RetryableError as error:
                if error.scope is not Scope.LANE:
                    self.permits.narrow(lane)
                raise
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
        """Return the error with its scope widened to Airflow, where Airflow fails whatever it is asked.

        An unclear answer may be the event's, its DAG's or Airflow's own trouble. A question that has nothing
        to do with the event tells: its answer holds for five seconds, for all threads.
        """
        if error.scope is not Scope.EVENT or not error.may_have_been_sent:
            return error
        asked_at = self._clock()
        with self._lock:
            if asked_at - self._asked_at >= _ANSWER_HOLDS_SECONDS:
                self._answer = self._ask()
                self._asked_at = self._clock()
            if self._answer:
                error.scope = Scope.AIRFLOW
        return error

    def _ask(self) -> RetryableError | None:
        try:
            self._airflow.version()
        except RetryableError as error:
            return error
        return None
