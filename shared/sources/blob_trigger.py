"""The blob trigger: the host hands over names, the facts come from one `HEAD`."""

from typing import Protocol

from shared.event_log import EventLog
from shared.events import BlobEvent
from shared.trigger import Trigger


class Observes(Protocol):
    """Reads the facts of a blob; see `LandingAccount.observe`."""

    def observe(self, container: str, name: str, *, traceparent: str | None = None) -> BlobEvent | None:
        """Give the current version, None if the blob is gone."""


class BlobTriggerSource:
    """Takes one call of the blob trigger to the trigger module."""

    def __init__(self, landing: Observes, trigger: Trigger, log: EventLog) -> None:
        self._landing = landing
        self._trigger = trigger
        self._log = log

    def handle(self, container: str, name: str, *, traceparent: str | None = None) -> None:
        """Deliver the blob's current version; a blob that is gone is logged and starts nothing.

        Raises:
            BlobToDagError: See `LandingAccount.observe` and `Trigger.handle`.
        """
        event = self._landing.observe(container, name, traceparent=traceparent)
        if event is None:
            self._log.warning("blob.gone", blob=f"{container}/{name}")
            return
        self._trigger.handle(event)
