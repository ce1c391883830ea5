"""`Settlement`: what becomes of an event that was tried: delivered, waiting in the outbox, or dead."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum

from shared.delivery.backoff import Backoff
from shared.delivery.hold_log import HoldLog
from shared.delivery.holds import Holds
from shared.event_log import EventLog
from shared.model.errors import PermanentError, RetryableError, Scope, StorageUnavailable
from shared.model.hold import LaneState, lane_of
from shared.model.lane import Lane
from shared.model.pending import Pending, Target
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Outbox
from shared.storage.settled import Claim, Settled


class Outcome(Enum):
    """How one DAG run ended up, for now."""

    CREATED = "created"
    ALREADY_THERE = "already_there"
    WAITING = "waiting"
    DEAD = "dead"
    DROPPED = "dropped"


class Settlement:
    """Writes outcomes to the outbox and to the dead letters, and to the log.

    Args:
        outbox: Where events wait.
        dead_letters: Where they end that can never be delivered.
        settled: Where it is noted that a version is settled without a run of its own.
        holds: What this instance believes to be on hold.
        log: Of events.
        airflow_url: Base URL of the Airflow that runs go to.
        now: The time, aware.
        request_drain: Called when an event was written that waits for room only.
        owner_of: Returns who looks after the route with an id; may be empty.
        backoff: How long an event waits that failed by itself.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        dead_letters: DeadLetters,
        settled: Settled,
        holds: Holds,
        log: EventLog,
        airflow_url: str,
        now: Callable[[], datetime],
        request_drain: Callable[[], None],
        owner_of: Callable[[str], str] = lambda _route_id: "",
        backoff: Backoff | None = None,
    ) -> None:
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._settled = settled
        self._holds = holds
        self._log = log
        self._hold_log = HoldLog(log, outbox.count)
        self._airflow_url = airflow_url
        self._now = now
        self._request_drain = request_drain
        self._owner_of = owner_of
        self._backoff = backoff or Backoff()

    def target(self, lane: Lane) -> Target:
        """Return where a run of the lane is sent to."""
        return Target(dag_id=lane.dag_id, airflow=self._airflow_url)

    def after_failure(
        self, pending: Pending, error: RetryableError, *, sent_to: Target | None = None
    ) -> Pending:
        """Return the event after a failure: with a time of its own where the failure is its own."""
        now = self._now()
        delay = timedelta(0)
        if error.scope is Scope.EVENT and error.backs_off:
            delay = self._backoff.after(error, failures=pending.failures(error) + 1)
        return pending.after(error, now=now, sent_to=sent_to, not_before=now + delay if delay else None)

    def wait(self, pending: Pending, error: RetryableError, *, sent_to: Target | None = None) -> Outcome:
        """Write an event to the outbox, and put on hold what its failure says something about.

        Raises:
            StorageUnavailable: It could not be written: fail, so that the event comes again.
        """
        pending = self.after_failure(pending, error, sent_to=sent_to)
        self._outbox.park(pending)
        self.log_waiting(pending, error)
        if held := lane_of(error, pending.lane):
            self.hold(held, error)
        elif error.waits_for_room:
            self._request_drain()
        return Outcome.WAITING

    def hold(self, lane: Lane, error: RetryableError) -> LaneState | None:
        """Put a lane, or everything, on hold; return its state, None where it could not be written."""
        try:
            state = self._outbox.hold(lane, error, owner=self._owner_of(lane.route_id))
        except StorageUnavailable as fault:
            # The row is safe. Without the hold it is tried again at the next tick, which does no harm.
            self._log.warning("hold.failed", lane=str(lane), message=str(fault))
            return None
        is_new = self._holds.believe(state)
        self._hold_log.held(state, self._now(), is_new=is_new)
        return state

    def release(self, state: LaneState) -> None:
        """End the app's own hold on a lane, or on everything: a delivery succeeded."""
        try:
            self._outbox.lift(state.lane)
        except StorageUnavailable as fault:
            # It is due, so the next drain sends again and lifts it then.
            self._log.warning("hold.failed", lane=str(state.lane), message=str(fault))
        self._holds.forget(state.lane)
        self._hold_log.ended(state, self._now())

    def die(
        self,
        pending: Pending,
        error: PermanentError,
        *,
        conf: Mapping[str, object] | None = None,
        key: str = "",
    ) -> Outcome:
        """Keep an event that can never be delivered for a person to look at; raises StorageUnavailable."""
        owner = self._owner_of(pending.lane.route_id)
        self._dead_letters.add(pending, error, conf=conf, key=key, owner=owner)
        return Outcome.DEAD

    def delivered(self, pending: Pending, outcome: Outcome) -> None:
        """Log one run that is settled, and how long after its event it was created; note one that is dropped.

        Raises:
            StorageUnavailable: It could not be noted: the event comes again.
        """
        event = pending.event
        if outcome is Outcome.CREATED:
            self._log.info(
                "run.created",
                seconds=round((self._now() - event.event_time).total_seconds(), 1) if event else None,
                files=_files(pending),
                blob=pending.path,
                size=event.size if event else None,
                route=pending.lane.route_id,
                dag_id=pending.lane.dag_id,
                run_id=pending.run_id,
            )
            return
        if outcome is Outcome.DROPPED and event:
            claim = Claim(event=event, lane=pending.lane, reason="dropped", who="when_paused")
            self._settled.claim(claim)
        self._log.info(
            "run.dropped" if outcome is Outcome.DROPPED else "run.already_there",
            files=_files(pending),
            blob=pending.path,
            size=event.size if event else None,
            route=pending.lane.route_id,
            dag_id=pending.lane.dag_id,
            run_id=pending.run_id,
        )

    def log_waiting(self, pending: Pending, error: RetryableError) -> None:
        """Log one event that goes on waiting."""
        write = self._log.warning if error.backs_off and error.scope is Scope.EVENT else self._log.info
        write(
            "run.waiting",
            blob=pending.path,
            size=pending.event.size if pending.event else None,
            route=pending.lane.route_id or None,
            reason=error.code,
            times=pending.failures(error),
            not_before=pending.not_before,
            message=str(error),
        )


def _files(pending: Pending) -> int | None:
    """Return how many files a run is for, where it is of a batch."""
    return len(pending.batch.files) if pending.batch else None
