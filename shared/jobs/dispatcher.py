"""`Dispatcher`: takes parked events up again, one at a time each, until none is due or the time is up."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from shared.delivery.guarded_client import Gate
from shared.delivery.places import NewMessage, SameMessage
from shared.delivery.rate_limits import Pace
from shared.delivery_context import Turn, no_retry
from shared.event_log import EventLog
from shared.ingest import Intake
from shared.model.blob_event import BlobEvent
from shared.model.errors import BadEvent, StorageUnavailable, RetryableError
from shared.model.pending import Parked, read_parked
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Parking, Ticket
from shared.timing import Timing
from shared.trigger import Trigger

_SOURCE = "parked"


class Dispatcher:
    """Delivers what is parked.

    Two of them at once do no harm: a message is received by one of them, a run id is one run.

    Args:
        parallelism: Messages in work at once.
        timing: Says when no further message is taken, so that the function ends in time.
    """

    def __init__(
        self,
        *,
        parking: Parking,
        trigger: Trigger,
        intake: Intake,
        dead_letters: DeadLetters,
        gate: Gate,
        pace: Pace,
        log: EventLog,
        parallelism: int,
        timing: Timing,
    ) -> None:
        self._parking = parking
        self._trigger = trigger
        self._intake = intake
        self._dead_letters = dead_letters
        self._gate = gate
        self._pace = pace
        self._log = log
        self._parallelism = parallelism
        self._timing = timing

    def run(self) -> int:
        """Drain the queue; give how many messages were taken up.

        Raises:
            StorageUnavailable: The queue cannot be read; the next tick tries again.
        """
        clock = self._timing.clock
        end = clock() + self._timing.dispatch_seconds
        taken = 0
        with ThreadPoolExecutor(self._parallelism, thread_name_prefix="dispatcher") as pool:
            while clock() < end:
                turns = self._turns()
                if not turns:
                    wait = max(self._gate.seconds_until_probe(), self._seconds_until_turn())
                    if clock() + wait >= end or not self._parking.has_due():
                        break
                    self._timing.sleep(wait)
                    continue
                tickets = self._parking.receive(turns)
                if not tickets:
                    break
                taken += len(tickets)
                for _ in pool.map(self._take_up, tickets):
                    pass
        if taken:
            self._log.info("dispatcher.ran", messages=taken)
        return taken

    def _turns(self) -> int:
        if self._gate.seconds_until_probe() > 0:
            return 0
        if self._gate.is_open:
            return 1  # the probe
        try:
            return self._pace.turns(self._parallelism)
        except RetryableError:
            return 1  # who cannot be asked is found out by the delivery itself, and the breaker counts it

    def _seconds_until_turn(self) -> float:
        try:
            return self._pace.seconds_until_turn()
        except RetryableError:
            return 0.0

    def _take_up(self, ticket: Ticket) -> None:
        """Deliver one message; if anything fails, it stays and is seen again when its visibility ends."""
        try:
            self._deliver(ticket)
        except StorageUnavailable as error:
            self._log.warning("dispatcher.storage_failed", message=str(error))
        except Exception as error:  # noqa: BLE001  (one message that meets a bug must not stop the others)
            # Its type only: a text that is not ours may hold anything.
            self._log.error("dispatcher.failed", error=type(error).__name__)

    def _deliver(self, ticket: Ticket) -> None:
        try:
            parked = read_parked(ticket.body.decode())
        except (BadEvent, UnicodeDecodeError) as error:
            self._dead_letters.bury_unreadable(ticket.body, _as_bad_event(error), source=_SOURCE)
            self._parking.done(ticket)
            return
        place = SameMessage(parking=self._parking, ticket=ticket)
        turn = Turn(place=place, retry=no_retry, admit=self._pace.admit, age=ticket.age)
        if parked.event is None or parked.route is None:
            # Its runs get messages of their own where they have to wait. A crash before this one goes leaves
            # both, which does no harm: the run ids are the same.
            runs = replace(turn, place=NewMessage(parking=self._parking), age=timedelta(0))
            self._intake.take(parked, turn, runs=runs)
        else:
            event = self._completed(parked, parked.event)
            self._trigger.redeliver(parked, event, parked.route, turn)

    def _completed(self, parked: Parked, event: BlobEvent) -> BlobEvent:
        """Read the facts again that did not fit into the message, if the blob is still that version."""
        if not parked.is_cut:
            return event
        complete = self._intake.complete(event)
        if complete is None:
            self._log.warning("conf.cut", blob=parked.path, etag=event.etag)
        return complete or event


def _as_bad_event(error: ValueError | BadEvent) -> BadEvent:
    return error if isinstance(error, BadEvent) else BadEvent(f"The message is no UTF-8: {error}.")
