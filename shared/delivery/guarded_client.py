"""`Gate`: the way to Airflow, narrow enough not to overrun it and closed while it is down."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from shared.airflow.client import Delivery
from shared.delivery.circuit_breaker import CircuitBreaker
from shared.model.errors import AtCapacity
from shared.model.run_request import RunRequest

_LONGEST_WAIT_SECONDS = 2.0
"""Waiting holds a thread and the invocation's time; after that an event is better off parked."""


class Airflow(Protocol):
    """What passes the gate; see `AirflowClient`."""

    def trigger(self, run: RunRequest) -> Delivery:
        """Make sure that the run is there."""

    def is_paused(self, dag_id: str) -> bool:
        """Tell whether the DAG is paused."""

    def waiting_runs(self, dag_id: str | None = None) -> int:
        """Count the runs that wait for a worker, of one DAG or of all."""


class Gate:
    """Lets at most so many calls through at once, and none while a breaker is open.

    Args:
        airflow: The client.
        breakers: Asked from the outside in.
        max_concurrency: Calls in work at once, for this instance.
        longest_wait_seconds: How long a call waits for its turn.
    """

    def __init__(
        self,
        airflow: Airflow,
        breakers: tuple[CircuitBreaker, ...],
        *,
        max_concurrency: int,
        longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
    ) -> None:
        self._airflow = airflow
        self._breakers = breakers
        self._places = threading.BoundedSemaphore(max_concurrency)
        self._max_concurrency = max_concurrency
        self._longest_wait_seconds = longest_wait_seconds

    def trigger(self, run: RunRequest) -> Delivery:
        """Make sure that the run is there.

        Raises:
            AirflowDown: A breaker is open; nothing was sent.
            AtCapacity: No place became free in time; nothing was sent.
            BlobToDagError: See `AirflowClient.trigger`.
        """
        with self._place():
            return self._through(self._breakers, lambda: self._airflow.trigger(run), about=run.run_id)

    def is_paused(self, dag_id: str) -> bool:
        """Tell whether the DAG is paused; held back by open breakers, as `trigger`."""
        with self._place():
            return self._through(self._breakers, lambda: self._airflow.is_paused(dag_id))

    def waiting_runs(self, dag_id: str | None = None) -> int:
        """Count the runs that wait for a worker; held back by open breakers, as `trigger`."""
        with self._place():
            return self._through(self._breakers, lambda: self._airflow.waiting_runs(dag_id))

    @property
    def is_open(self) -> bool:
        """Whether a breaker holds calls back."""
        return any(breaker.is_open for breaker in self._breakers)

    def seconds_until_probe(self) -> float:
        """Give how long every call would be held back; 0 when one would be let through."""
        return max(breaker.seconds_until_probe() for breaker in self._breakers)

    def _through[T](
        self, breakers: tuple[CircuitBreaker, ...], call: Callable[[], T], *, about: str = ""
    ) -> T:
        if not breakers:
            return call()
        first, *rest = breakers
        return first.call(lambda: self._through(tuple(rest), call, about=about), about=about)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=self._longest_wait_seconds):
            msg = (
                f"{self._max_concurrency} calls to Airflow were in work for {self._longest_wait_seconds:g} s "
                "(AIRFLOW_MAX_CONCURRENCY)."
            )
            raise AtCapacity(msg)
        try:
            yield
        finally:
            self._places.release()
