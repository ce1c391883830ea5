"""The message that stands for a blob in the control queue and in the poison queue."""

import json
from dataclasses import dataclass
from typing import Self

# NET-C HostQueueNames.cs
POISON_QUEUE = "webjobs-blobtrigger-poison"


def control_queue(host_id: str) -> str:
    """Return the name of the app's control queue."""
    return f"azure-webjobs-blobtrigger-{host_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobMessage:
    """A blob for a function.

    Source: NET-B Listeners/BlobTriggerMessage.cs.

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
    def from_json(cls, text: str) -> Self:
        """Parse a body.

        Raises:
            ValueError: it is no such message.
        """
        document = json.loads(text)
        try:
            return cls(
                function_id=document["FunctionId"],
                blob_type=document.get("BlobType", "BlockBlob"),
                container=document["ContainerName"],
                blob=document["BlobName"],
                etag=document.get("ETag", ""),
            )
        except (KeyError, TypeError, AttributeError) as exc:
            msg = f"not a blob trigger message: {exc!r}"
            raise ValueError(msg) from exc
