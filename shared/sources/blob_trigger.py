"""The blob trigger: the host hands over names, the facts come from one `HEAD`."""

from shared.delivery.parked import Parked
from shared.errors import StorageUnavailable
from shared.event_log import EventLog
from shared.observer import Observer
from shared.trigger import Trigger
from shared.turn import Turn


class BlobTriggerSource:
    """Takes one call of the blob trigger to the trigger module."""

    def __init__(self, *, landing: Observer, trigger: Trigger, turn: Turn, log: EventLog) -> None:
        self._landing = landing
        self._trigger = trigger
        self._turn = turn
        self._log = log

    def handle(self, container: str, name: str, *, traceparent: str | None = None) -> None:
        """Deliver the blob's current version; a blob that is gone is logged and starts nothing.

        Raises:
            StorageUnavailable: The event could not be kept: fail, so that the platform tries again.
        """
        try:
            event = self._landing.observe(container, name, traceparent=traceparent)
        except StorageUnavailable as error:
            self._trigger.put_off(Parked(container=container, name=name), error, self._turn)
            return
        if event is None:
            self._log.warning("blob.gone", blob=f"{container}/{name}")
            return
        self._trigger.handle(event, self._turn)
