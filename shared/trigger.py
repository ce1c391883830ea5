"""The shared trigger module: a blob event in, exactly one outcome for each DAG run out.

The only place that knows what to do next: delivered, parked to be tried again, or a dead letter.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import Protocol

from shared.airflow.client import Delivery
from shared.delivery.backoff import Delays
from shared.delivery_context import Turn
from shared.event_log import EventLog
from shared.model.blob_event import BlobEvent
from shared.model.conf import build_conf
from shared.model.errors import (
    AirflowMoved,
    AtCapacity,
    BlobToDagError,
    DagPaused,
    Misconfigured,
    PermanentError,
    RetryableError,
    RouteMissing,
    Wait,
)
from shared.model.pending import Parked, Pin
from shared.model.run_id import run_id
from shared.model.run_request import RunRequest, WhenPaused
from shared.routes.table import Plan


class Routes(Protocol):
    """Turns an event into runs; see `RouteTable`."""

    def match(self, event: BlobEvent, *, api: str | None = None) -> Plan:
        """Give the runs that the event should start."""


class Airflow(Protocol):
    """What the trigger module needs of Airflow; see `Gate`."""

    @property
    def is_open(self) -> bool:
        """Whether a breaker holds calls back."""

    def trigger(self, run: RunRequest) -> Delivery:
        """Make sure that the run is there."""

    def is_paused(self, dag_id: str) -> bool:
        """Tell whether the DAG is paused."""


class Graveyard(Protocol):
    """Where dead letters lie; see `DeadLetters`."""

    def bury(self, parked: Parked, error: BlobToDagError, *, dag_id: str | None = None) -> str:
        """Keep the event for a person to look at; raises StorageUnavailable."""


class Outcome(Enum):
    """How one DAG run ended up, for now."""

    CREATED = "created"
    ALREADY_THERE = "already_there"
    PARKED = "parked"
    DEAD = "dead"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the settings say about deliveries.

    Attributes:
        airflow_url: Base URL of the Airflow that runs go to.
        missing_dag_max_age: After that a missing DAG is no longer awaited.
        delays: How long an event is parked.
        former_urls: Addresses that the same Airflow had before.
        live_seconds: How long one new event may take over all of its runs; the rest is parked.
        clock: Monotonic seconds.
    """

    airflow_url: str
    missing_dag_max_age: timedelta
    delays: Delays
    former_urls: frozenset[str] = frozenset()
    live_seconds: float = 100.0
    clock: Callable[[], float] = time.monotonic


class Trigger:
    """Turns blob events into DAG runs, from any number of threads."""

    def __init__(
        self, *, routes: Routes, airflow: Airflow, graveyard: Graveyard, log: EventLog, rules: Rules
    ) -> None:
        self._routes = routes
        self._airflow = airflow
        self._graveyard = graveyard
        self._log = log
        self._rules = rules
        self._told: set[str] = set()

    def handle(self, event: BlobEvent, turn: Turn, *, api: str | None = None) -> list[Outcome]:
        """Deliver the runs of an event that no route has seen yet.

        Raises:
            CopyPending: The blob is still being copied; nothing was done.
            StorageUnavailable: An event could not be kept: fail, so that it comes again.
        """
        end = self._rules.clock() + self._rules.live_seconds
        self._log.info(
            "blob.observed", blob=event.path, size=event.size, etag=event.etag, event_time=event.event_time
        )
        plan = self._routes.match(event, api=api)
        if not plan.requests:
            reasons = ",".join(f"{skip.route}:{skip.reason}".lstrip(":") for skip in plan.skipped)
            self._log.info("blob.skipped", blob=event.path, size=event.size, reason=reasons)
        return [self._settle(_waiting(event, api, run), run, turn, end=end) for run in plan.requests]

    def put_off(self, parked: Parked, error: RetryableError, turn: Turn) -> Outcome:
        """Park an event that could not even be looked at; raises StorageUnavailable."""
        return self._park(parked, error, None, turn)

    def bury(self, parked: Parked, error: PermanentError, turn: Turn) -> Outcome:
        """Keep an event that can never be delivered for a person to look at; raises StorageUnavailable."""
        return self._bury(parked, error, None, turn)

    def redeliver(self, parked: Parked, event: BlobEvent, route: str, turn: Turn) -> Outcome:
        """Deliver a run that was parked.

        Raises:
            StorageUnavailable: As `handle`.
        """
        try:
            run = self._run_again(parked, event, route)
        except RetryableError as error:
            return self._park(parked, error, None, turn)
        except PermanentError as error:
            return self._bury(parked, error, None, turn)
        return self._settle(parked, run, turn)

    def _run_again(self, parked: Parked, event: BlobEvent, route: str) -> RunRequest:
        """Give the run as the routes are now; one that may have been sent keeps its DAG all the same."""
        plan = self._routes.match(event, api=parked.api)
        run = next((request for request in plan.requests if request.route == route), None)
        if not parked.pin:
            if run is None:
                msg = (
                    f"Route {route!a} asks for no run of {event.path!a} any more. Was it renamed or removed?"
                )
                raise RouteMissing(msg)
            return run
        if parked.pin.airflow not in {self._rules.airflow_url, *self._rules.former_urls}:
            msg = (
                f"The run may have been sent to {parked.pin.airflow}; AIRFLOW_BASE_URL is another one now, "
                "where it could run a second time. If it is the same Airflow, name the old address in "
                "AIRFLOW_FORMER_URLS; if not, set AIRFLOW_BASE_URL back until such runs are delivered."
            )
            raise AirflowMoved(msg)
        if run is None:
            conf = build_conf(event, route=route)
            run = RunRequest(
                dag_id="", run_id=run_id(event, route=route), conf=conf, route=route, route_id=route
            )
        return replace(run, dag_id=parked.pin.dag_id)

    def _settle(self, parked: Parked, run: RunRequest, turn: Turn, *, end: float | None = None) -> Outcome:
        may_have_been_sent = parked.pin is not None

        def attempt() -> Outcome:
            nonlocal may_have_been_sent
            if not may_have_been_sent and self._is_dropped(run, turn):
                return Outcome.DROPPED
            try:
                return Outcome(self._airflow.trigger(run).value)
            except RetryableError as error:
                may_have_been_sent |= error.may_have_been_sent
                raise

        try:
            if end is not None and self._rules.clock() >= end:
                msg = "The time of the invocation is used up; the run goes on from the queue."
                raise AtCapacity(msg)
            outcome = turn.retry(attempt)
        except RetryableError as error:
            pin = Pin(dag_id=run.dag_id, airflow=self._rules.airflow_url) if may_have_been_sent else None
            again = parked.again(error, pin=pin, age=turn.age)
            if again.missing_for(turn.age) >= self._rules.missing_dag_max_age:
                return self._bury(again, error, run.dag_id, turn)
            return self._park(parked, error, pin, turn)
        except PermanentError as error:
            return self._bury(parked, error, run.dag_id, turn)
        turn.place.leave()
        self._log.info(
            f"run.{outcome.value}",
            blob=parked.path,
            size=parked.event.size if parked.event else None,
            dag_id=run.dag_id,
            run_id=run.run_id,
        )
        return outcome

    def _is_dropped(self, run: RunRequest, turn: Turn) -> bool:
        """Ask whether the run may be sent now; raises DagPaused or RateLimited where it has to wait."""
        if run.when_paused is not WhenPaused.QUEUE and self._airflow.is_paused(run.dag_id):
            if run.when_paused is WhenPaused.DROP:
                return True
            msg = f"The DAG {run.dag_id!a} is paused, and its route holds runs until it is not."
            raise DagPaused(msg)
        turn.admit(run)
        return False

    def _park(self, parked: Parked, error: RetryableError, pin: Pin | None, turn: Turn) -> Outcome:
        if isinstance(error, Misconfigured) and str(error) not in self._told:
            self._told.add(str(error))  # once, loudly: not once for each blob
            self._log.error("app.misconfigured", message=str(error))
        again = parked.again(error, pin=pin, age=turn.age)
        delay = self._rules.delays.after(
            error, failures=again.failures(error), is_outage=self._airflow.is_open
        )
        turn.place.park(again, delay_seconds=delay)
        write = self._log.warning if error.wait is Wait.GROWING else self._log.info
        write(
            "run.parked",
            blob=parked.path,
            size=parked.event.size if parked.event else None,
            route=parked.route,
            reason=error.code,
            times=again.failures(error),
            delay_seconds=delay,
            message=str(error),
        )
        return Outcome.PARKED

    def _bury(self, parked: Parked, error: BlobToDagError, dag_id: str | None, turn: Turn) -> Outcome:
        self._graveyard.bury(parked, error, dag_id=dag_id)
        turn.place.leave()
        return Outcome.DEAD


def _waiting(event: BlobEvent, api: str | None, run: RunRequest) -> Parked:
    return Parked(container=event.container, name=event.name, event=event, api=api, route=run.route)
