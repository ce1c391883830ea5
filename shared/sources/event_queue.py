"""The queue variant: Event Grid writes its events into a storage queue, the function reads them there."""

from typing import Protocol

from shared.delivery_context import Turn
from shared.event_log import EventLog
from shared.ingest import Intake
from shared.model.errors import BadEvent
from shared.sources.event_grid import parked_from_event_grid

QUEUE = "airflow-events"
"""In the host account; Event Grid's identity writes to it."""


class KeepsUnreadable(Protocol):
    """Keeps what nobody can read; see `DeadLetters`."""

    def bury_unreadable(self, body: bytes, error: BadEvent, *, source: str) -> str:
        """Keep the bytes as they are."""


class EventQueueSource:
    """Takes the events of one message in: storage is asked only for what they lack."""

    def __init__(self, *, intake: Intake, turn: Turn, dead_letters: KeepsUnreadable, log: EventLog) -> None:
        self._intake = intake
        self._turn = turn
        self._dead_letters = dead_letters
        self._log = log

    def handle(self, body: bytes, *, traceparent: str | None = None) -> None:
        """Deliver every event of the message; what cannot be read becomes a dead letter.

        Raises:
            StorageUnavailable: An event could not be kept: fail, so that the platform tries again.
        """
        count = 0
        try:
            for heard in parked_from_event_grid(body):
                count += 1
                self._intake.take(heard, self._turn, traceparent=traceparent)
        except BadEvent as error:
            self._dead_letters.bury_unreadable(body, error, source=QUEUE)
            return
        if not count:
            self._log.info("event.ignored", source=QUEUE)
