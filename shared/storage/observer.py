"""`Observer`: whoever can read the facts of a blob."""

from typing import Protocol

from shared.model.blob_event import BlobEvent


class Observer(Protocol):
    """See `LandingAccount`."""

    def observe(self, container: str, name: str, *, traceparent: str | None = None) -> BlobEvent | None:
        """Give the blob's current version; None if there is no such blob.

        Raises:
            StorageUnavailable: Storage does not answer, or refuses the app's identity.
        """
