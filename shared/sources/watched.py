"""`Watched`: the account and containers whose events start runs; an event may name any other."""

from collections.abc import Callable, Collection
from dataclasses import replace

import msgspec

from shared.model.blob_event import BlobEvent, account_from_url, blob_url
from shared.model.errors import NotWatched
from shared.model.pending import Pending


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What the app is set to watch.

    Attributes:
        endpoint: Blob endpoint of the landing account.
        containers: Returns its containers: those that the routes say, or else that of the blob trigger.
    """

    endpoint: str
    containers: Callable[[], Collection[str]]

    def is_ours(self, container: str) -> bool:
        """Tell whether events of a container start runs."""
        return container in self.containers()

    def own(self, pending: Pending) -> Pending:
        """Return an event of what is watched, with its address made from our own endpoint.

        A DAG must not be sent to the host that an event names.

        Raises:
            NotWatched: It is of another account or container, or names two blobs.
        """
        event = pending.event
        account = account_from_url(self.endpoint)
        known = (
            (event.account, event.container, event.name)
            if event
            else (account, pending.container, pending.name)
        )
        if not self.is_ours(pending.container) or known != (account, pending.container, pending.name):
            msg = (
                f"The event is of {known[0]}/{known[1]}, the app watches {account}/"
                f"{', '.join(sorted(self.containers()))} ([landing] watch of the routes, LANDING_PATH, "
                "LandingStorage__blobServiceUri)."
            )
            raise NotWatched(msg)
        return replace(pending, event=self.address(event)) if event else pending

    def address(self, event: BlobEvent) -> BlobEvent:
        """Return an event of our account with its address made from our own endpoint.

        A row may be of a container that was watched before.

        Raises:
            NotWatched: It is of another account.
        """
        account = account_from_url(self.endpoint)
        if event.account != account:
            msg = f"The event is of the account {event.account}, the app watches {account}."
            raise NotWatched(msg)
        return replace(event, url=blob_url(self.endpoint, event.container, event.name))
