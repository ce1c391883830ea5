"""A received queue message: hidden from others, kept hidden while it is worked on, then settled."""

import threading
import time
from collections.abc import Callable

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueClient
from azure.storage.queue import QueueMessage as RawMessage

from local.host.host_log import Log, brief
from local.host.queues import send
from local.host.times import HostTimes


class ReceivedMessage:
    """One delivery of one message; used by the thread that runs it and by the one that renews it.

    Attributes:
        raw: as the SDK received it; `raw.content` is the body as it lies in the queue.
    """

    def __init__(
        self,
        *,
        queue: QueueClient,
        raw: RawMessage,
        times: HostTimes,
        log: Log,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.raw = raw
        self._queue = queue
        self._visibility = times.message_visibility
        # NET-C Queues/QueueListener.cs: renewed at half of its time, at the earliest after a minute.
        self._interval = max(times.message_visibility / 2, times.renewal_min)
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._receipt = raw.pop_receipt
        self._renew_at = clock() + self._interval
        self._is_settled = False

    @property
    def dequeue_count(self) -> int:
        """How often it was received, this time included."""
        return int(self.raw.dequeue_count or 0)

    def renew(self) -> None:
        """Hide the message for longer when half of its time is over."""
        with self._lock:
            if self._is_settled or self._clock() < self._renew_at:
                return
            self._renew_at = self._clock() + self._interval
            try:
                self._hide(self._visibility)
            except AzureError as exc:
                self._log(f"Message {self.raw.id} could not be kept hidden: {brief(exc)}", level="Warning")

    def delete(self) -> None:
        """Take the message out of the queue."""
        with self._lock:
            self._is_settled = True
            try:
                self._queue.delete_message(self.raw.id, self._receipt)
            except ResourceNotFoundError:
                # Its time was over and another host has it: not ours to delete.
                self._log(f"Message {self.raw.id} was no longer ours.", level="Warning")

    def release(self, *, delay_seconds: float) -> None:
        """Give the message back for the next attempt."""
        with self._lock:
            self._is_settled = True
            try:
                self._hide(delay_seconds)
            except ResourceNotFoundError:
                self._log(f"Message {self.raw.id} was no longer ours.", level="Warning")

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
