"""`Intake`: takes what was heard of a blob to the trigger module, after a look at it where needed."""

from collections.abc import Callable
from dataclasses import replace

from shared.delivery_context import Turn
from shared.event_log import EventLog
from shared.model.blob_event import BlobEvent
from shared.model.errors import BadEvent, CopyPending, StorageUnavailable
from shared.model.pending import Parked
from shared.storage.observer import Observer
from shared.trigger import Trigger

_COPY = "CopyBlob"


class Intake:
    """The one way in for events from every source, new ones and parked ones that no route has seen yet.

    Args:
        landing: Reads the facts of a blob.
        needs_head: Tells whether a route needs facts that an event lacks; see `RouteTable.needs_head`.
        trigger: Delivers.
        log: Of events.
    """

    def __init__(
        self,
        landing: Observer,
        needs_head: Callable[[BlobEvent, str | None], bool],
        trigger: Trigger,
        log: EventLog,
    ) -> None:
        self._landing = landing
        self._needs_head = needs_head
        self._trigger = trigger
        self._log = log

    def take(
        self, heard: Parked, turn: Turn, *, runs: Turn | None = None, traceparent: str | None = None
    ) -> None:
        """Deliver every run of the blob, or keep what cannot be delivered now.

        Args:
            heard: A version, or only a name.
            turn: Where it waits if it cannot even be looked at.
            runs: Where its runs wait, each for itself; the same where nothing is parked yet.
            traceparent: Of the invocation.

        Raises:
            StorageUnavailable: Something could not be kept: fail, so that it comes again.
        """
        try:
            event = self._look(heard, traceparent)
        except StorageUnavailable as error:
            self._trigger.put_off(heard, error, turn)
            return
        except BadEvent as error:
            self._trigger.bury(heard, error, turn)
            return
        if event is None:
            self._log.warning("blob.gone", blob=heard.path)
        else:
            try:
                self._trigger.handle(event, runs or turn, api=heard.api)
            except CopyPending as error:
                # Not as this version: the end of the copy changes the ETag, so the blob is looked at again.
                again = replace(heard, event=None)
                self._trigger.put_off(again, error, turn)
                return
        turn.place.leave()

    def complete(self, event: BlobEvent) -> BlobEvent | None:
        """Give the event with all facts of its version; None if the blob is another version by now.

        Raises:
            StorageUnavailable: It cannot be looked at.
        """
        observed = self._landing.observe(event.container, event.name, traceparent=event.traceparent)
        return _with_facts(event, observed) if observed and observed.etag == event.etag else None

    def _look(self, heard: Parked, traceparent: str | None) -> BlobEvent | None:
        told = heard.event
        if told is not None and traceparent is not None:
            told = replace(told, traceparent=traceparent)
        if told is not None and not self._needs_head(told, heard.api):
            return told
        trace = traceparent or (told.traceparent if told else None)
        observed = self._landing.observe(heard.container, heard.name, traceparent=trace)
        if told is None:
            return observed
        if observed is None:
            return told
        if observed.etag == told.etag:
            return _with_facts(told, observed)
        # A copy that was pending when it was told of has ended since; otherwise facts of a newer version
        # stay out of an older one's conf.
        return observed if heard.api == _COPY else told


def _with_facts(told: BlobEvent, observed: BlobEvent) -> BlobEvent:
    return replace(
        observed,
        event_time=told.event_time,
        sequencer=told.sequencer,
        version_id=told.version_id or observed.version_id,
    )
