"""`Watched`: the account and container whose events start runs; an event may name any other."""

from dataclasses import dataclass, replace

from shared.model.blob_event import account_from_url, blob_url
from shared.model.pending import Pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the app is set to watch.

    Attributes:
        endpoint: Blob endpoint of the landing account.
        container: Its container.
    """

    endpoint: str
    container: str

    def own(self, pending: Pending) -> Pending | None:
        """Return an event of what is watched, None for any other.

        Its address is made from our own endpoint: a DAG must not be sent to the host that an event names.
        """
        if pending.container != self.container:
            return None
        event = pending.event
        if event is None:
            return pending
        identity = (account_from_url(self.endpoint), pending.container, pending.name)
        if (event.account, event.container, event.name) != identity:
            return None
        url = blob_url(self.endpoint, event.container, event.name)
        return replace(pending, event=replace(event, url=url))
