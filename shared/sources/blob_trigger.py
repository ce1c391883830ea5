"""The blob trigger: the host hands over names, the facts come from one `HEAD`."""

from shared.delivery_context import Turn
from shared.ingest import Intake
from shared.model.pending import Parked


class BlobTriggerSource:
    """Takes one call of the blob trigger in."""

    def __init__(self, *, intake: Intake, turn: Turn) -> None:
        self._intake = intake
        self._turn = turn

    def handle(self, container: str, name: str, *, traceparent: str | None = None) -> None:
        """Deliver the blob's current version; a blob that is gone is logged and starts nothing.

        Raises:
            StorageUnavailable: The event could not be kept: fail, so that the platform tries again.
        """
        self._intake.take(Parked(container=container, name=name), self._turn, traceparent=traceparent)
