"""Writing to queues the way the listeners do: body encoded, queue made on first use."""

import base64
import binascii
import contextlib

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient


def encode(text: str) -> str:
    """Return a body as it lies in the queue (NET-B QueueServiceClientProvider.cs: Base64)."""
    return base64.b64encode(text.encode()).decode("ascii")


def decode(body: str, *, is_base64: bool) -> bytes:
    """Return the bytes of a body that was read from a queue.

    Raises:
        ValueError: Base64 was expected and it is not.
    """
    if not is_base64:
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as exc:
        raise ValueError(str(exc)) from exc


def send(queue: QueueClient, body: str) -> None:
    """Put a body into the queue as it is, with the service's default life of 7 days.

    Source: NET-C StorageQueueExtensions.cs (the queue is made when it is missing; no time to live is given).
    """
    try:
        queue.send_message(body)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):
            queue.create_queue()
        queue.send_message(body)
