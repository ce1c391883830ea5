"""The queue variant: Event Grid writes its events into a storage queue, the function reads them there."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from shared.delivery.parked import Parked
from shared.errors import BadEvent, StorageUnavailable
from shared.event_log import EventLog
from shared.events import BlobEvent
from shared.observer import Observer
from shared.sources.event_grid import parked_from_event_grid
from shared.trigger import Trigger
from shared.turn import Turn

QUEUE = "airflow-events"
"""In the host account; Event Grid's identity writes to it."""


class KeepsUnreadable(Protocol):
    """Keeps what nobody can read; see `DeadLetters`."""

    def bury_unreadable(self, body: bytes, error: BadEvent, *, source: str) -> str:
        """Keep the bytes as they are."""


class EventQueueSource:
    """Takes one message of the queue to the trigger module.

    Args:
        needs_head: Tells whether a route needs facts that the event lacks; see `RouteTable.needs_head`.
    """

    def __init__(
        self,
        *,
        landing: Observer,
        needs_head: Callable[[BlobEvent, str | None], bool],
        trigger: Trigger,
        turn: Turn,
        dead_letters: KeepsUnreadable,
        log: EventLog,
    ) -> None:
        self._landing = landing
        self._needs_head = needs_head
        self._trigger = trigger
        self._turn = turn
        self._dead_letters = dead_letters
        self._log = log

    def handle(self, body: bytes, *, traceparent: str | None = None) -> None:
        """Deliver every event of the message; what cannot be read becomes a dead letter.

        Raises:
            StorageUnavailable: An event could not be kept: fail, so that the platform tries again.
        """
        try:
            told = list(parked_from_event_grid(body))
        except BadEvent as error:
            self._dead_letters.bury_unreadable(body, error, source=QUEUE)
            return
        if not told:
            self._log.info("event.ignored", source=QUEUE)
        for heard in told:
            self._deliver(heard, traceparent)

    def _deliver(self, heard: Parked, traceparent: str | None) -> None:
        event = heard.event and replace(heard.event, traceparent=traceparent)
        if event is None or self._needs_head(event, heard.api):
            try:
                observed = self._landing.observe(heard.container, heard.name, traceparent=traceparent)
            except StorageUnavailable as error:
                self._trigger.put_off(heard, error, self._turn)
                return
            event = _with_facts(event, observed)
        if event is None:
            self._log.warning("blob.gone", blob=heard.path)
            return
        self._trigger.handle(event, self._turn, api=heard.api)


def _with_facts(told: BlobEvent | None, observed: BlobEvent | None) -> BlobEvent | None:
    """Add what the HEAD shows to what the event tells; facts of a newer version stay out of it."""
    if told is None:
        return observed
    if observed is None or observed.etag != told.etag:
        return told
    return replace(observed, event_time=told.event_time, sequencer=told.sequencer, version_id=told.version_id)
