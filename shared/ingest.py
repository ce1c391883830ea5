"""`Ingest`: every way in. Fetches missing properties, then hands the event to the trigger module."""

from dataclasses import replace

from shared.companions import Companions
from shared.event_log import EventLog
from shared.model.blob_event import BlobEvent
from shared.model.errors import BadEvent, CopyPending, PermanentError, RetryableError
from shared.model.pending import Pending
from shared.routes.table import Routes, RouteTable
from shared.settlement import Settlement
from shared.sources.event_grid import pending_from_event_grid
from shared.sources.watched import Watched
from shared.storage.blob_reader import BlobReader
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Outbox
from shared.trigger import Trigger

EVENT_QUEUE = "airflow-events"
"""Queue of the host account that Event Grid writes to, where EVENT_SOURCE=queue."""

_COPY = "CopyBlob"


class Ingest:
    """Takes events from the triggers, and those rows of the outbox that no route has been asked about."""

    def __init__(
        self,
        *,
        watched: Watched,
        reader: BlobReader,
        routes: Routes,
        trigger: Trigger,
        companions: Companions,
        settlement: Settlement,
        outbox: Outbox,
        dead_letters: DeadLetters,
        log: EventLog,
    ) -> None:
        self._watched = watched
        self._reader = reader
        self._routes = routes
        self._trigger = trigger
        self._companions = companions
        self._settlement = settlement
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._log = log

    def take_message(self, body: bytes, *, traceparent: str | None = None) -> None:
        """Deliver every event of a queue message; what cannot be read becomes a dead letter.

        Raises:
            StorageUnavailable: An event could not be kept: fail, so that the platform tries again.
        """
        count = 0
        try:
            for pending in pending_from_event_grid(body):
                count += 1
                self.take(replace(pending, traceparent=traceparent))
        except BadEvent as error:
            self._dead_letters.add_unreadable(body, error, source=EVENT_QUEUE)
            return
        if not count:
            self._log.info("event.ignored", source=EVENT_QUEUE)

    def take(self, pending: Pending) -> None:
        """Deliver every run of a new event, or keep what cannot be delivered now.

        An event of an account or a container that is not watched is a dead letter: the settings may be wrong.

        Raises:
            StorageUnavailable: Something could not be kept: fail, so that the event comes again.
        """
        try:
            pending = self._watched.own(pending)
            routes = self._routes.current()
            event = self._look(pending, routes)
            if event is not None:
                self._trigger.handle(event, api=pending.api, routes=routes)
                self._companions.announce(event.path)
        except CopyPending as error:
            # Not as this version: the end of the copy changes the ETag, so the blob is looked at again.
            self._settlement.wait(pending.by_name(), error)
        except RetryableError as error:
            self._settlement.wait(pending, error)
        except PermanentError as error:
            self._settlement.die(pending, error)

    def route(self, pending: Pending) -> None:
        """Write each run of an event that waited without a route into its lane.

        Raises:
            RetryableError: It cannot be looked at, or not yet.
            PermanentError: There can be no such blob.
        """
        routes = self._routes.current()
        event = self._look(self._watched.own(pending), routes)
        if event is None:
            return
        for waiting, run in self._trigger.runs_of(event, api=pending.api, routes=routes):
            if run.requires:
                self._companions.wait(waiting, run)
            else:
                kept = replace(waiting, history=pending.history, parked_at=pending.parked_at)
                self._outbox.park(kept)
        self._companions.announce(event.path)

    def _look(self, pending: Pending, routes: RouteTable) -> BlobEvent | None:
        """Return the event with all properties that its routes need; None if the blob is gone."""
        event = self._facts(pending, routes)
        return replace(event, traceparent=pending.traceparent) if event else None

    def _facts(self, pending: Pending, routes: RouteTable) -> BlobEvent | None:
        event = pending.event
        if event is not None and not routes.needs_head(event, api=pending.api):
            return event
        current = self._reader.read(pending.container, pending.name)
        if event is None:
            if current is None:
                self._log.warning("blob.gone", blob=pending.path)
            return current
        if current is None:
            return event
        if current.etag == event.etag:
            return replace(
                current,
                event_time=event.event_time,
                sequencer=event.sequencer,
                version_id=event.version_id or current.version_id,
            )
        # A copy that was pending when its event was raised has ended since; otherwise properties of a newer
        # version stay out of an older one's conf.
        return current if pending.api == _COPY else event
