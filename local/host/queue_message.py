"""A received queue message: hidden from others, kept hidden while it is worked on, then settled."""

import base64
import binascii
import contextlib
import threading
import time

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient
from azure.storage.queue import QueueMessage as RawMessage

from local.host.host_log import Log, brief
from local.host.options import HostTimes


class ReceivedMessage:
    """One delivery of one message; used by the thread that runs it and by the one that renews it.

    Attributes:
        raw: as the SDK received it; `raw.content` is the body as stored in the queue.
        body: the decoded body; None when it is not in the queue's encoding.
    """

    def __init__(
        self, *, queue: QueueClient, raw: RawMessage, is_base64: bool, times: HostTimes, log: Log
    ) -> None:
        self.raw = raw
        self.body = _decode(str(raw.content), is_base64=is_base64)
        self._queue = queue
        self._visibility = times.message_visibility
        # NET-C Queues/QueueListener.cs: renewed at half of its time, at the earliest after a minute.
        self._interval = max(times.message_visibility / 2, times.renewal_min)
        self._log = log
        self._lock = threading.Lock()
        self._receipt = raw.pop_receipt
        self._renew_at = time.monotonic() + self._interval
        self._is_settled = False

    @property
    def dequeue_count(self) -> int:
        """How often it was received, this time included."""
        return int(self.raw.dequeue_count or 0)

    def renew(self) -> None:
        """Hide the message for longer when half of its time is over."""
        with self._lock:
            if self._is_settled or time.monotonic() < self._renew_at:
                return
            self._renew_at = time.monotonic() + self._interval
            try:
                self._hide(self._visibility)
            except AzureError as exc:
                self._log(f"Message {self.raw.id} could not be kept hidden: {brief(exc)}", level="Warning")

    def delete(self) -> None:
        """Delete the message; ignore one that another host has received since."""
        with self._lock:
            self._is_settled = True
            try:
                self._queue.delete_message(self.raw.id, self._receipt)
            except ResourceNotFoundError:
                self._log(f"Message {self.raw.id} was received by another host.", level="Warning")

    def release(self, *, delay_seconds: float) -> None:
        """Make the message visible for the next attempt; ignore one that another host has received since."""
        with self._lock:
            self._is_settled = True
            try:
                self._hide(delay_seconds)
            except ResourceNotFoundError:
                self._log(f"Message {self.raw.id} was received by another host.", level="Warning")

    def poison(self, queue: QueueClient, *, max_dequeue_count: int) -> None:
        """Copy the body as it is into the poison queue, then delete the message."""
        self._log(
            f"Message has reached MaxDequeueCount of {max_dequeue_count}. "
            f"Moving message to queue '{queue.queue_name}'.",
            level="Warning",
        )
        send(queue, str(self.raw.content))
        self.delete()

    def _hide(self, seconds: float) -> None:
        answer = self._queue.update_message(
            self.raw.id, self._receipt, content=self.raw.content, visibility_timeout=int(seconds)
        )
        self._receipt = answer.pop_receipt


def encode(text: str) -> str:
    """Return a body as the host stores it (NET-B QueueServiceClientProvider.cs: Base64)."""
    return base64.b64encode(text.encode()).decode("ascii")


def send(queue: QueueClient, body: str) -> None:
    """Put a body into the queue as it is, with the service's default life of 7 days.

    Source: NET-C StorageQueueExtensions.cs (a missing queue is created; no time to live is given).
    """
    try:
        queue.send_message(body)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):
            queue.create_queue()
        queue.send_message(body)


def _decode(body: str, *, is_base64: bool) -> bytes | None:
    if not is_base64:
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
