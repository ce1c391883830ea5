"""The shared trigger module: a blob event in, exactly one outcome for each DAG run out.

The only place that knows what to do next: delivered, waiting in the outbox, or a dead letter.
"""

from collections.abc import Callable
from dataclasses import replace

import msgspec

from shared.airflow.time_limit import seconds_left
from shared.companions import Companions
from shared.delivery.guarded_client import GuardedClient
from shared.delivery.holds import Holds
from shared.delivery.rate_limits import is_capped
from shared.event_log import EventLog
from shared.model.blob_event import BlobEvent
from shared.model.errors import (
    AirflowMoved,
    AtCapacity,
    BatchOpen,
    DagPaused,
    InOrder,
    OnHold,
    PermanentError,
    RateLimited,
    RetryableError,
    RouteDisabled,
    RouteMissing,
    Scope,
)
from shared.model.lane import Lane
from shared.model.pending import Pending
from shared.model.run_request import RunRequest, WhenPaused
from shared.routes.table import Routes, RouteTable
from shared.settlement import Outcome, Settlement

_NO_TIME = "The time of the invocation is used up; the run goes on from the outbox."


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say about deliveries.

    Attributes:
        airflow_url: Base URL of the Airflow that runs go to.
        former_urls: Addresses that the same Airflow had before.
        is_capped: Whether a cap holds for all runs, so that all go through the outbox.
        live_seconds: How long a new event may take over all of its runs; the rest waits.
        retry: Tries a delivery again while that may help within seconds.
        clock: Monotonic seconds.
    """

    airflow_url: str
    retry: Callable[[Callable[[], Outcome]], Outcome]
    clock: Callable[[], float]
    former_urls: frozenset[str] = frozenset()
    is_capped: bool = False
    live_seconds: float = 100.0


class Trigger:
    """Turns blob events into DAG runs, from any number of threads."""

    def __init__(
        self,
        *,
        routes: Routes,
        airflow: GuardedClient,
        settlement: Settlement,
        companions: Companions,
        holds: Holds,
        log: EventLog,
        policy: Policy,
    ) -> None:
        self._routes = routes
        self._airflow = airflow
        self._settlement = settlement
        self._companions = companions
        self._holds = holds
        self._log = log
        self._policy = policy

    def runs_of(
        self, event: BlobEvent, *, api: str | None = None, routes: RouteTable | None = None
    ) -> list[tuple[Pending, RunRequest]]:
        """Return what the routes ask for, each run with the event as it would wait.

        Args:
            event: The event.
            api: The storage call that raised it, where that is known.
            routes: Those that it was looked at with; those in force if it was not.

        Raises:
            CopyPending: The blob is still being copied; nothing was done.
        """
        routes = routes or self._routes.current()
        plan = routes.match(event, api=api)
        if not plan.requests and not routes.files_of(event.path):
            reasons = ",".join(f"{skip.route}:{skip.reason}".lstrip(":") for skip in plan.skipped)
            self._log.info("blob.skipped", blob=event.path, size=event.size, reason=reasons)
        return [(_pending(event, api, run), run) for run in plan.requests]

    def handle(
        self, event: BlobEvent, *, api: str | None = None, routes: RouteTable | None = None
    ) -> list[Outcome]:
        """Deliver the runs of a new event; the arguments are those of `runs_of`.

        Raises:
            CopyPending: The blob is still being copied; nothing was done.
            StorageUnavailable: An event could not be kept: fail, so that it comes again.
        """
        end = self._policy.clock() + self._policy.live_seconds
        self._log.info(
            "blob.observed", blob=event.path, size=event.size, etag=event.etag, event_time=event.event_time
        )
        runs = self.runs_of(event, api=api, routes=routes)
        return [self._deliver(pending, run, end) for pending, run in runs]

    def _deliver(self, pending: Pending, run: RunRequest, end: float) -> Outcome:
        if run.requires and pending.event:
            companions = self._companions.find(run.requires, pending.event)
            if companions is None:
                self._companions.wait(pending, run)
                return Outcome.WAITING
            pending, run = replace(pending, companions=companions), run.with_companions(companions)
        if run.batch is not None:
            wait = BatchOpen("Waits for the other files of its batch.")
            wait.waits_for_room = run.is_counted
            return self._settlement.wait(pending, wait)
        may_have_been_sent = False

        def attempt() -> Outcome:
            nonlocal may_have_been_sent
            # Another event may have found out meanwhile that nothing can be sent.
            self._holds.check(pending.lane)
            try:
                return self.send(run, pending.lane, may_have_been_sent=may_have_been_sent)
            except RetryableError as error:
                may_have_been_sent |= error.may_have_been_sent
                raise

        try:
            self._check_enabled(run, pending.lane)
            self._holds.check(pending.lane)
            self._check_room(run, end)
            outcome = self._policy.retry(attempt)
        except RetryableError as error:
            sent_to = self._settlement.target(pending.lane) if may_have_been_sent else None
            return self._settlement.wait(pending, self._airflow.judge(error), sent_to=sent_to)
        except PermanentError as error:
            return self._settlement.die(pending, error, conf=run.conf)
        self._settlement.delivered(pending, outcome)
        return outcome

    def _check_enabled(self, run: RunRequest, lane: Lane) -> None:
        if run.is_enabled:
            return
        error = _disabled(run.route)
        try:
            self._holds.check(lane)
        except OnHold:
            # The hold is written already: this event needs its row only.
            error.scope = Scope.EVENT
        raise error

    def _check_room(self, run: RunRequest, end: float) -> None:
        if self._policy.is_capped or is_capped(run):
            # A cap holds over all instances only if one drain sends everything.
            msg = f"Runs of route {run.route!a} have a cap; the run is sent when there is room."
            raise RateLimited(msg)
        if run.is_ordered:
            msg = f"Runs of route {run.route!a} are sent one after another; this one when it is its turn."
            raise InOrder(msg)
        if self._policy.clock() >= end:
            raise AtCapacity(_NO_TIME)

    def send(self, run: RunRequest, lane: Lane, *, may_have_been_sent: bool) -> Outcome:
        """Try once to create the run.

        Args:
            run: The run.
            lane: Where it belongs.
            may_have_been_sent: Whether the run may exist: then its DAG's pause does not matter any more.

        Raises:
            BlobToDagError: It may or may not be there, or never can be: see `AirflowClient.trigger`.
        """
        if seconds_left() <= 0:
            raise AtCapacity(_NO_TIME)
        asks = run.when_paused is not WhenPaused.QUEUE and not may_have_been_sent
        if asks and self._airflow.is_paused(run.dag_id, lane):
            if run.when_paused is WhenPaused.DROP:
                return Outcome.DROPPED
            msg = f"The DAG {run.dag_id!a} is paused, and its route holds runs until it is not."
            raise DagPaused(msg)
        return Outcome(self._airflow.trigger(run, lane).value)

    def run_of(self, pending: Pending, event: BlobEvent) -> RunRequest:
        """Return the run of an event that waited, as the routes are now.

        Raises:
            RouteDisabled: The route sends nothing now.
            RouteMissing: No route asks for it any more. Its scope tells whether the route is gone, or wants
                other blobs now.
            AirflowMoved: A request may have been sent to another Airflow.
            CopyPending: The route does not take unfinished copies any more.
        """
        self._check_airflow(pending)
        route_id = pending.lane.route_id
        routes = self._routes.current()
        requests = routes.match(event, api=pending.api).requests
        run = next((request for request in requests if request.route_id == route_id), None)
        if run is not None:
            if not run.is_enabled:
                raise _disabled(run.route)
            if pending.batch:
                return run.with_batch(pending.batch, pending.run_id or "")
            return run.with_companions(pending.companions)
        if routes.by_id(route_id) is None:
            msg = f"There is no route with the id {route_id!a}. Was it removed, or its id changed?"
            raise RouteMissing(msg)
        error = RouteMissing(f"Route {route_id!a} asks for no run of {event.path!a} any more.")
        error.scope = Scope.EVENT
        raise error

    def dag_of(self, lane: Lane) -> str | None:
        """Return the DAG that the lane's route names now; None where that depends on the blob."""
        route = self._routes.current().by_id(lane.route_id)
        return route.fixed_dag_id if route else None

    def is_enabled(self, lane: Lane) -> bool:
        """Tell whether the lane's route sends its runs now, as far as there is one."""
        route = self._routes.current().by_id(lane.route_id)
        return route is None or route.enabled

    def _check_airflow(self, pending: Pending) -> None:
        known = {self._policy.airflow_url, *self._policy.former_urls}
        for target in pending.sent_to:
            if target.airflow not in known:
                msg = (
                    f"The run may have been sent to {target.airflow}; AIRFLOW_BASE_URL is another one now, "
                    "where it could run a second time. If it is the same Airflow, name the old address in "
                    "AIRFLOW_FORMER_URLS; if not, set AIRFLOW_BASE_URL back until such runs are delivered."
                )
                raise AirflowMoved(msg)


def _disabled(route: str) -> RouteDisabled:
    return RouteDisabled(f"Route {route!a} has enabled = false; its runs wait until that is true.")


def _pending(event: BlobEvent, api: str | None, run: RunRequest) -> Pending:
    return Pending(
        container=event.container,
        name=event.name,
        event=event,
        api=api,
        lane=run.lane,
        run_id=run.run_id,
    )
