"""`Parking`: the queue `airflow-parked`, where events wait without expiring."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage, QueueServiceClient

from shared.model.errors import StorageUnavailable
from shared.model.pending import Parked, write_parked
from shared.sources.message_body import decode_body, encode_body

QUEUE = "airflow-parked"
_NEVER_EXPIRES = -1
_MOST_AT_ONCE = 32
_LOST_RECEIPT = {"PopReceiptMismatch", "MessageNotFound"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A message that was received: ours alone until its visibility ends.

    Attributes:
        body: The bytes of the message, Base64 taken off where it was there.
        age: Between the message's insertion and its receipt, both by the queue's clock.
        message: The SDK's own, with the pop receipt.
    """

    body: bytes
    age: timedelta
    message: QueueMessage


class Parking:
    """Parks events, and hands them out to the dispatcher.

    Args:
        queues: Client of the queue service of `AzureWebJobsStorage`.
        visibility_seconds: How long a received message is ours; longer than any delivery takes.
        queue: Name of the queue.
    """

    def __init__(self, queues: QueueServiceClient, *, visibility_seconds: int, queue: str = QUEUE) -> None:
        self._queue = queues.get_queue_client(queue)
        self._name = queue
        self._visibility_seconds = visibility_seconds

    def park(self, parked: Parked, *, delay_seconds: int) -> None:
        """Put a new message into the queue; it is seen again after the delay, and never expires.

        Raises:
            StorageUnavailable: It could not be parked: fail, so that the platform tries again.
        """
        text = encode_body(write_parked(parked))
        with self._translated("parking"):
            self._creating_queue(
                lambda: self._queue.send_message(
                    text, visibility_timeout=delay_seconds, time_to_live=_NEVER_EXPIRES
                )
            )

    def receive(self, most: int) -> list[Ticket]:
        """Take up to `most` messages (32 at the most) that are due; none if the queue is not there yet."""
        with self._translated("receiving"):
            try:
                pages = self._queue.receive_messages(
                    messages_per_page=min(most, _MOST_AT_ONCE), visibility_timeout=self._visibility_seconds
                ).by_page()
                return [self._ticket(message) for message in next(pages, ())]
            except ResourceNotFoundError:
                return []

    def has_due(self) -> bool:
        """Tell whether a message could be received now."""
        with self._translated("looking"):
            try:
                return bool(self._queue.peek_messages(max_messages=1))
            except ResourceNotFoundError:
                return False

    def park_again(self, ticket: Ticket, parked: Parked, *, delay_seconds: int) -> None:
        """Change the message in place: one message stays one message, whatever fails in between."""
        text = encode_body(write_parked(parked))
        with self._translated("parking again"), _not_ours_any_more():
            self._queue.update_message(ticket.message, content=text, visibility_timeout=delay_seconds)

    def done(self, ticket: Ticket) -> None:
        """Remove the message: what it stood for is delivered or a dead letter."""
        with self._translated("deleting"), _not_ours_any_more():
            self._queue.delete_message(ticket.message)

    def _creating_queue(self, send: Callable[[], object]) -> None:
        try:
            send()
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):  # another worker was faster
                self._queue.create_queue()
            send()

    def _ticket(self, message: QueueMessage) -> Ticket:
        # The queue's own clock: it set both the insertion time and the end of the visibility.
        visible_on, inserted_on = (
            cast("datetime", message.next_visible_on),
            cast("datetime", message.inserted_on),
        )
        age = visible_on - timedelta(seconds=self._visibility_seconds) - inserted_on
        return Ticket(body=decode_body(message.content), age=age, message=message)

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except AzureError as error:
            msg = f"The queue {self._name} failed at {doing} ({type(error).__name__})."
            raise StorageUnavailable(msg) from error


@contextmanager
def _not_ours_any_more() -> Iterator[None]:
    """Pass over a lost pop receipt: another receiver has the message by now, or is done with it."""
    try:
        yield
    except HttpResponseError as error:
        if getattr(error, "error_code", None) not in _LOST_RECEIPT:
            raise
