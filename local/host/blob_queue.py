"""The control queue: one message for each blob that waits for its function.

Source: NET-C HostQueueNames.cs, NET-B Listeners/BlobTriggerMessage.cs.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from azure.storage.queue import QueueClient

from local.host.queue_message import encode, send

POISON_QUEUE = "webjobs-blobtrigger-poison"


def control_queue(host_id: str) -> str:
    """Return the name of the app's control queue."""
    return f"azure-webjobs-blobtrigger-{host_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobMessage:
    """A blob for a function.

    Attributes:
        function_id: `Host.Functions.<name>`.
        blob_type: `BlockBlob`, `PageBlob` or `AppendBlob`.
        container: its name.
        blob: its name, decoded.
        etag: in double quotes.
    """

    function_id: str
    blob_type: str
    container: str
    blob: str
    etag: str

    def to_json(self) -> str:
        """Return the body as Newtonsoft writes it (NET-C JsonSerialization.cs: indented)."""
        return json.dumps(
            {
                "Type": "BlobTrigger",
                "FunctionId": self.function_id,
                "BlobType": self.blob_type,
                "ContainerName": self.container,
                "BlobName": self.blob,
                "ETag": self.etag,
            },
            indent=2,
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """Parse a body.

        Raises:
            ValueError: not JSON, or not a message for a function.
        """
        document = json.loads(body.decode("utf-8"))
        try:
            return cls(
                function_id=document["FunctionId"],
                blob_type=document.get("BlobType", "BlockBlob"),
                container=document["ContainerName"],
                blob=document["BlobName"],
                etag=document.get("ETag", ""),
            )
        except (KeyError, TypeError, AttributeError) as exc:
            msg = f"Invalid blob trigger message: {exc!r}"
            raise ValueError(msg) from exc


class BlobQueue:
    """Puts blobs into the control queue and wakes the listener of this host."""

    def __init__(self, *, queue: QueueClient, notify: Callable[[], None]) -> None:
        self._queue = queue
        self._notify = notify

    def send(self, message: BlobMessage) -> None:
        """Queue one blob for its function."""
        send(self._queue, encode(message.to_json()))
        self._notify()
