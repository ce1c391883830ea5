"""`RowWorker`: tries to deliver one row of the outbox, in a thread of the drain's pool."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.companions import Companions
from shared.delivery.guarded_client import GuardedClient
from shared.delivery.rate_limits import QueuedRunsLimit
from shared.ingest import Ingest
from shared.jobs.sealer import Sealer
from shared.model.errors import (
    AirflowUnreachable,
    BadEvent,
    CopyPending,
    DagGone,
    DagMissing,
    PermanentError,
    RetryableError,
    RouteGone,
    RouteMissing,
    RunRefused,
    Scope,
)
from shared.model.hold import LaneState
from shared.model.lane import NEW, Lane
from shared.model.note import note_after_waiting
from shared.model.pending import Pending
from shared.model.run_request import RunRequest
from shared.settlement import Outcome, Settlement
from shared.sources.watched import Watched
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Outbox
from shared.storage.rows import Row
from shared.trigger import Trigger


class Result(Enum):
    """What came of one row."""

    DELIVERED = "delivered"
    """The run is there, or is not wanted: the row goes, and Airflow is well."""

    SETTLED = "settled"
    """The row goes; it says nothing about Airflow."""

    KEPT = "kept"
    """Somebody has changed the row meanwhile, or it was written anew: it stays."""


class Grace(msgspec.Struct, frozen=True, kw_only=True):
    """How long a missing DAG or route is awaited, counted from when the row was parked."""

    age: timedelta
    now: Callable[[], datetime]

    def is_over(self, row: Row, state: LaneState | None, reason: str) -> bool:
        """Tell whether the row has waited long enough for what its lane misses."""
        parked_at = row.pending.parked_at if row.pending else None
        hold = state.hold if state else None
        if parked_at is None or hold is None or hold.reason != reason:
            return False
        return min(self.now() - hold.since, self.now() - parked_at) >= self.age


class RowWorker:
    """Carries out what a drain has decided; raises RetryableError where the row has to go on waiting."""

    def __init__(
        self,
        *,
        trigger: Trigger,
        settlement: Settlement,
        ingest: Ingest,
        companions: Companions,
        sealer: Sealer,
        airflow: GuardedClient,
        outbox: Outbox,
        dead_letters: DeadLetters,
        retry: Callable[[Callable[[], Outcome]], Outcome],
        grace: Grace,
        watched: Watched,
    ) -> None:
        self._trigger = trigger
        self._settlement = settlement
        self._ingest = ingest
        self._companions = companions
        self._sealer = sealer
        self._airflow = airflow
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._retry = retry
        self._grace = grace
        self._watched = watched

    def route(self, row: Row) -> Result:
        """Write the runs of an event without a route into their lanes."""
        if row.pending is None:
            return self.set_aside(row)
        try:
            self._ingest.route(row.pending)
        except CopyPending as error:
            return self._wait_by_name(row, error)
        except PermanentError as error:
            self._settlement.die(row.pending, error, key=row.key)
        return Result.SETTLED

    def look_again(self, row: Row) -> Result:
        """Look for the companions that a row waits for."""
        if row.pending is None or row.pending.event is None:
            return self.set_aside(row)
        return Result.SETTLED if self._companions.look_again(row) else Result.KEPT

    def gather(self, seal: Row, state: LaneState | None, may_go_on: Callable[[], bool]) -> Result:
        """Make the batches of a lane that are due; their rows are sent next."""
        self._sealer.run(seal.partition, state, may_go_on)
        return Result.KEPT

    def looks_always(self, lane: Lane) -> bool:
        """Tell whether the files of a batched lane are to be looked at in each drain."""
        return self._sealer.looks_always(lane)

    def prepare(self, row: Row, state: LaneState | None) -> RunRequest | Result:
        """Return the run that a row asks for, as the routes are now, or what came of the row without one."""
        if row.pending is None or row.pending.event is None:
            return self.set_aside(row)
        try:
            return self._trigger.run_of(row.pending, self._watched.address(row.pending.event))
        except CopyPending as error:
            return self._wait_by_name(row, error)
        except PermanentError as error:
            self._settlement.die(row.pending, error, key=row.key)
            return Result.SETTLED
        except RouteMissing as error:
            parked_at = row.pending.parked_at
            is_gone = self._grace.is_over(row, state, error.code)
            if error.scope is Scope.EVENT:
                is_gone = parked_at is not None and self._grace.now() - parked_at >= self._grace.age
            # It may be there all the same. But nothing is sent to a DAG that no route names.
            if row.pending.sent_to and self._is_there(row.pending):
                return Result.SETTLED
            if not is_gone:
                raise
            self._settlement.die(row.pending, RouteGone(str(error)), key=row.key)
            return Result.SETTLED

    def deliver(
        self, row: Row, run: RunRequest, state: LaneState | None, *, is_airflow_held: bool = False
    ) -> Result:
        """Create the run of a row; what can never succeed becomes a dead letter.

        Args:
            row: The row.
            run: What it asks for.
            state: Of its lane. A probe of a hold is one call.
            is_airflow_held: Whether it is the probe of the hold on everything.
        """
        pending = row.pending
        if pending is None:
            return self.set_aside(row)
        run = replace(run, note=note_after_waiting(run.note, pending, self._grace.now()))
        sent_now = False

        def attempt() -> Outcome:
            nonlocal sent_now
            may_have_been_sent = sent_now or bool(pending.sent_to)
            try:
                return self._trigger.send(run, pending.lane, may_have_been_sent=may_have_been_sent)
            except RetryableError as error:
                # It must be known of an earlier attempt, too, whatever the last one says.
                sent_now = error.may_have_been_sent = sent_now or error.may_have_been_sent
                raise

        is_probe = is_airflow_held or bool(state and state.hold)
        try:
            outcome = attempt() if is_probe else self._retry(attempt)
        except DagMissing as error:
            if not self._grace.is_over(row, state, error.code):
                raise
            self._settlement.die(pending, DagGone(str(error)), conf=run.conf, key=row.key)
            return Result.SETTLED
        except RetryableError as error:
            if is_airflow_held and isinstance(error, AirflowUnreachable):
                raise  # still down: one call is enough to know
            raise self._airflow.judge(error) from None
        except PermanentError as error:
            self._settlement.die(pending, error, conf=run.conf, key=row.key)
            return Result.DELIVERED if isinstance(error, RunRefused) else Result.SETTLED
        self._settlement.delivered(pending, outcome)
        return Result.DELIVERED

    def count(self, limit: QueuedRunsLimit) -> int:
        """Count the runs that wait in Airflow."""
        try:
            return self._airflow.waiting_runs(limit.dag_id)
        except RetryableError as error:
            raise self._airflow.judge(error) from None

    def is_edited(self, lane: Lane) -> bool:
        """Tell whether the lane's route names another DAG by now, as far as that is known without a row."""
        return self._trigger.dag_of(lane) not in {None, lane.dag_id}

    def is_enabled(self, lane: Lane) -> bool:
        """Tell whether the lane's route sends its runs now."""
        return self._trigger.is_enabled(lane)

    def is_home(self, lane: Lane) -> bool:
        """Tell whether all runs of the lane's route belong to it."""
        return self._trigger.dag_of(lane) == lane.dag_id

    def move(self, row: Row, run: RunRequest) -> Result:
        """Move a row to the lane of its route's new DAG, unless its run is found where it may have been sent.

        Its own DAG is asked in any case: a drain posts before it writes, so "never sent" cannot be known.
        """
        pending = row.pending
        if pending is None:
            return self.set_aside(row)
        if self._is_there(replace(pending, run_id=run.run_id)):
            return Result.SETTLED
        self._outbox.park(
            replace(pending, lane=run.lane, run_id=run.run_id, sent_to=frozenset(), not_before=None)
        )
        return Result.SETTLED

    def _is_there(self, pending: Pending) -> bool:
        """Look the run up in every DAG that it may have been sent to; log it where it is there."""
        dags = {pending.lane.dag_id, *(target.dag_id for target in pending.sent_to)}
        for dag_id in sorted(dags):
            try:
                state = self._airflow.find(dag_id, pending.run_id or "", pending.lane)
            except RetryableError as error:
                raise self._airflow.judge(error) from None
            if state is not None:
                self._settlement.delivered(pending, Outcome.ALREADY_THERE)
                return True
        return False

    def then_delete(self, row: Row, work: Callable[[], Result]) -> Result:
        """Delete the row as soon as it is settled: of an ordered lane the next one is read after that."""
        result = work()
        if result is not Result.KEPT:
            self._outbox.delete([row])
        return result

    def set_aside(self, row: Row) -> Result:
        """Keep a row that makes no sense for a person to look at."""
        self._dead_letters.add_row(row, BadEvent(row.fault or "The row holds no event."))
        return Result.SETTLED

    def _wait_by_name(self, row: Row, error: RetryableError) -> Result:
        """Let an unfinished copy wait by name: its end changes the ETag, so it is another version then."""
        if row.pending is None:
            return Result.KEPT
        if row.pending.batch or (row.pending.lane == NEW and row.pending.event is None):
            raise error
        self._settlement.wait(row.pending.by_name(), error)
        return Result.SETTLED
