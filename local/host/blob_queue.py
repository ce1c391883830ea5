"""The control queue: blobs that wait for their function, from whatever source."""

from collections.abc import Callable

from azure.storage.queue import QueueClient

from local.host import queues
from local.host.blob_message import BlobMessage


class BlobQueue:
    """Puts blobs into the control queue and wakes the listener of this host."""

    def __init__(self, *, queue: QueueClient, notify: Callable[[], None]) -> None:
        self._queue = queue
        self._notify = notify

    def send(self, message: BlobMessage) -> None:
        """Queue one blob for its function."""
        queues.send(self._queue, queues.encode(message.to_json()))
        self._notify()
