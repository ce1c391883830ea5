"""`Collector`: empties the places where the platform puts what it gave up on, into our own parking."""

import time
from collections.abc import Callable, Collection, Iterable

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

from shared.delivery.dead_letters import DeadLetters
from shared.delivery.message_body import decode_body
from shared.delivery.parked import Parked
from shared.delivery.parking import Parking
from shared.errors import BadEvent
from shared.event_log import EventLog
from shared.sources import event_queue, poison
from shared.sources.event_grid import parked_from_event_grid

EVENT_GRID_DEAD_LETTERS = "eventgrid-deadletter"
_EVENT_POISON = f"{event_queue.QUEUE}-poison"
_PAGE = 32
_MOST_PAGES = 10
_VISIBILITY_SECONDS = 60
_DEEP_SCAN_SECONDS = 3600.0
_MOST_BLOBS = 100


class Collector:
    """Turns what the platform gave up on into parked events again; the dispatcher delivers those.

    Args:
        landing_queues: Of the landing account, where the blob trigger's poison queue is.
        host_queues: Of the host account, where the poison queue of our own event queue is.
        host_blobs: Of the host account, where Event Grid puts its dead letters.
        functions: Names of our blob functions: other messages of the poison queue belong to other apps.
        by_event: Whether each event is a run of its own (queue mode), or a hint to look at the blob.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        landing_queues: QueueServiceClient,
        host_queues: QueueServiceClient,
        host_blobs: BlobServiceClient,
        parking: Parking,
        dead_letters: DeadLetters,
        log: EventLog,
        functions: Collection[str],
        by_event: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._blob_poison = landing_queues.get_queue_client(poison.QUEUE)
        self._event_poison = host_queues.get_queue_client(_EVENT_POISON)
        self._event_grid = host_blobs.get_container_client(EVENT_GRID_DEAD_LETTERS)
        self._parking = parking
        self._dead_letters = dead_letters
        self._log = log
        self._functions = functions
        self._by_event = by_event
        self._clock = clock
        self._next_deep_scan = 0.0
        self._foreign_at_last_scan = 0

    def run(self) -> int:
        """Empty all of them; give how many events were parked again. A place that fails is left for later."""
        parked = 0
        for place in (self._collect_blob_poison, self._collect_event_poison, self._collect_event_grid):
            try:
                parked += place()
            except ResourceNotFoundError:
                continue  # not there yet: nothing was ever given up on
            except AzureError as error:
                self._log.warning("collector.failed", place=place.__name__, error=type(error).__name__)
        return parked

    def _collect_blob_poison(self) -> int:
        """Take ours and leave the rest.

        Looking (peeking) touches nothing, but shows the first 32 messages only. Receiving hides a foreign
        message from its owner for a minute, so it is done only when ours are in sight, or, behind more than
        32 foreign ones, when their number has changed, at most once an hour.
        """
        seen = self._blob_poison.peek_messages(max_messages=_PAGE)
        ours = [m for m in seen if poison.function_of(decode_body(m.content)) in self._functions]
        if not ours and not self._is_deep_scan_due(len(seen)):
            return 0
        parked = foreign = 0
        for messages in self._pages(self._blob_poison):
            for message in messages:
                body = decode_body(message.content)
                if poison.function_of(body) not in self._functions:
                    foreign += 1
                    continue
                parked += self._move(self._blob_poison, message, body, self._from_blob_poison, poison.QUEUE)
        self._foreign_at_last_scan = foreign
        return parked

    def _is_deep_scan_due(self, seen: int) -> bool:
        if seen < _PAGE or self._clock() < self._next_deep_scan:
            return False
        count = self._blob_poison.get_queue_properties().approximate_message_count or 0
        self._next_deep_scan = self._clock() + _DEEP_SCAN_SECONDS
        return count != self._foreign_at_last_scan

    def _from_blob_poison(self, body: bytes) -> Iterable[Parked]:
        parked = poison.parked_from_poison(body, self._functions)
        return [parked] if parked else []

    def _collect_event_poison(self) -> int:
        parked = 0
        for messages in self._pages(self._event_poison):
            for message in messages:
                body = decode_body(message.content)
                parked += self._move(self._event_poison, message, body, self._from_event_grid, _EVENT_POISON)
        return parked

    def _collect_event_grid(self) -> int:
        parked = 0
        for number, blob in enumerate(self._event_grid.list_blobs()):
            if number == _MOST_BLOBS:
                break
            client = self._event_grid.get_blob_client(blob.name)
            body = client.download_blob().readall()
            parked += self._park(body, self._from_event_grid, EVENT_GRID_DEAD_LETTERS)
            client.delete_blob()
        return parked

    def _from_event_grid(self, body: bytes) -> Iterable[Parked]:
        for told in parked_from_event_grid(body):
            yield told if self._by_event else Parked(container=told.container, name=told.name)

    def _pages(self, queue: QueueClient) -> Iterable[list[QueueMessage]]:
        for _ in range(_MOST_PAGES):
            pages = queue.receive_messages(
                messages_per_page=_PAGE, visibility_timeout=_VISIBILITY_SECONDS
            ).by_page()
            messages = list(next(pages, ()))
            if not messages:
                return
            yield messages

    def _move(
        self,
        queue: QueueClient,
        message: QueueMessage,
        body: bytes,
        read: Callable[[bytes], Iterable[Parked]],
        source: str,
    ) -> int:
        parked = self._park(body, read, source)
        queue.delete_message(message)
        return parked

    def _park(self, body: bytes, read: Callable[[bytes], Iterable[Parked]], source: str) -> int:
        try:
            told = list(read(body))
        except BadEvent as error:
            self._dead_letters.bury_unreadable(body, error, source=source)
            return 0
        for parked in told:
            self._parking.park(parked, delay_seconds=0)
            self._log.warning("event.collected", blob=parked.path, source=source)
        return len(told)
