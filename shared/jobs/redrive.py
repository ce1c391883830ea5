"""`Collector`: empties the places where the platform puts what it gave up on, into our own parking."""

from collections.abc import Callable, Collection, Iterable

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

from shared.event_log import EventLog
from shared.model.errors import BadEvent
from shared.model.pending import Parked
from shared.sources import blob_poison, event_queue
from shared.sources.event_grid import parked_from_event_grid
from shared.sources.message_body import decode_body
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Parking
from shared.timing import Timing

EVENT_GRID_DEAD_LETTERS = "eventgrid-deadletter"
_EVENT_POISON = f"{event_queue.QUEUE}-poison"
_PAGE = 32
_MOST_PAGES = 10
_DEEP_SCAN_SECONDS = 3600.0
_MOST_BLOBS = 100


class Collector:
    """Turns what the platform gave up on into parked events again; the dispatcher delivers those.

    Args:
        landing_queues: Of the landing account, where the blob trigger's poison queue is.
        host_queues: Of the host account, where the poison queue of our own event queue is.
        host_blobs: Of the host account, where Event Grid puts its dead letters.
        functions: Names of our blob functions: other messages of the poison queue belong to other apps.
        watched: The container that our blob trigger watches: another deployment of this app has the same
            function names, and another container.
        by_event: Whether each event is a run of its own (queue mode), or a hint to look at the blob.
        timing: The clock, and how long a message of another queue is ours while it is moved.
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
        watched: str,
        by_event: bool,
        timing: Timing,
    ) -> None:
        self._blob_poison = landing_queues.get_queue_client(blob_poison.QUEUE)
        self._event_poison = host_queues.get_queue_client(_EVENT_POISON)
        self._event_grid = host_blobs.get_container_client(EVENT_GRID_DEAD_LETTERS)
        self._parking = parking
        self._dead_letters = dead_letters
        self._log = log
        self._functions = functions
        self._watched = watched
        self._by_event = by_event
        self._clock = timing.clock
        self._visibility_seconds = timing.collector_visibility_seconds
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
            except Exception as error:  # noqa: BLE001  (what strangers left there must not stop deliveries)
                self._log.warning("collector.failed", place=place.__name__, error=type(error).__name__)
        return parked

    def _collect_blob_poison(self) -> int:
        """Take ours and leave the rest.

        Looking (peeking) touches nothing, but shows the first 32 messages only. Receiving hides a foreign
        message from its owner for a minute, so it is done only when ours are in sight, or, behind more than
        32 foreign ones, when their number has changed, at most once an hour.
        """
        seen = self._blob_poison.peek_messages(max_messages=_PAGE)
        ours = any(self._is_ours(decode_body(message.content)) for message in seen)
        if not ours and not self._is_deep_scan_due(len(seen)):
            return 0
        parked = foreign = 0
        for messages in self._pages(self._blob_poison):
            for message in messages:
                body = decode_body(message.content)
                if not self._is_ours(body):
                    foreign += 1
                    continue
                parked += self._move(
                    self._blob_poison, message, body, blob_poison.read_poison, blob_poison.QUEUE
                )
        self._foreign_at_last_scan = foreign
        return parked

    def _is_deep_scan_due(self, seen: int) -> bool:
        if seen < _PAGE or self._clock() < self._next_deep_scan:
            return False
        count = self._blob_poison.get_queue_properties().approximate_message_count or 0
        self._next_deep_scan = self._clock() + _DEEP_SCAN_SECONDS
        return count != self._foreign_at_last_scan

    def _is_ours(self, body: bytes) -> bool:
        function, container = blob_poison.addressee(body)
        return function in self._functions and container in {None, self._watched}

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
            done = self._park(body, self._from_event_grid, EVENT_GRID_DEAD_LETTERS)
            if done is not None:
                parked += done
                client.delete_blob()
        return parked

    def _from_event_grid(self, body: bytes) -> Iterable[Parked]:
        for told in parked_from_event_grid(body):
            yield told if self._by_event else Parked(container=told.container, name=told.name)

    def _pages(self, queue: QueueClient) -> Iterable[list[QueueMessage]]:
        for _ in range(_MOST_PAGES):
            pages = queue.receive_messages(
                messages_per_page=_PAGE, visibility_timeout=self._visibility_seconds
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
        if parked is None:
            return 0
        queue.delete_message(message)
        return parked

    def _park(self, body: bytes, read: Callable[[bytes], Iterable[Parked]], source: str) -> int | None:
        """Park what can be read and bury the rest; give how many, None where it has to stay for later."""
        count = 0
        try:
            try:
                for parked in read(body):
                    self._parking.park(parked, delay_seconds=0)
                    self._log.warning("event.collected", blob=parked.path, source=source)
                    count += 1
            except BadEvent as error:
                self._dead_letters.bury_unreadable(body, error, source=source)
        except Exception as error:  # noqa: BLE001  (one message must not keep the others from coming back)
            self._log.warning("collector.failed", place=source, error=type(error).__name__)
            return None
        return count
