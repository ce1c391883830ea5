"""`Redrive`: moves what the platform gave up on into the outbox: poison queues, Event Grid's dead letters."""

from collections.abc import Callable, Collection, Iterable, Iterator

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobServiceClient
from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

from shared.event_log import EventLog
from shared.ingest import EVENT_QUEUE
from shared.model.errors import BadEvent, BlobToDagError
from shared.model.pending import Pending
from shared.sources import blob_poison
from shared.sources.event_grid import pending_from_event_grid
from shared.sources.message_body import decode_body
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Outbox
from shared.timing import Timing

EVENT_GRID_DEAD_LETTERS = "eventgrid-deadletter"
_EVENT_POISON = f"{EVENT_QUEUE}-poison"
_PAGE = 32
_MOST_PAGES = 10
_DEEP_SCAN_SECONDS = 3600.0
_LEFT_SECONDS = 3600.0
_MOST_LETTERS = 100
_LARGEST_LETTER = 512 * 1024

type Parse = Callable[[bytes], Iterable[Pending]]


class Redrive:
    """Empties the places where the platform puts what it gave up on; the dispatcher delivers the events.

    Args:
        landing_queues: Of the landing account, where the blob trigger's poison queue is.
        host_queues: Of the host account, where the poison queue of our own event queue is.
        host_blobs: Of the host account, where Event Grid puts its dead letters.
        functions: Names of our blob functions: other messages of the poison queue belong to other apps.
        watched: Tells whether a container is one of ours: another deployment of this app has the same
            function names, and other containers.
        by_event: Whether each event is a run of its own (queue mode), or a hint to look at the blob.
        timing: The clock, and how long a message of another queue is ours while it is moved.
    """

    def __init__(
        self,
        *,
        landing_queues: QueueServiceClient,
        host_queues: QueueServiceClient,
        host_blobs: BlobServiceClient,
        outbox: Outbox,
        dead_letters: DeadLetters,
        log: EventLog,
        functions: Collection[str],
        watched: Callable[[str], bool],
        by_event: bool,
        timing: Timing,
    ) -> None:
        self._blob_poison = landing_queues.get_queue_client(blob_poison.QUEUE)
        self._event_poison = host_queues.get_queue_client(_EVENT_POISON)
        self._event_grid = host_blobs.get_container_client(EVENT_GRID_DEAD_LETTERS)
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._log = log
        self._functions = functions
        self._watched = watched
        self._by_event = by_event
        self._timing = timing
        self._next_deep_scan = 0.0
        self._foreign_at_last_scan = 0
        self._left_until: dict[str, float] = {}
        self._end = 0.0

    def run(self, end: float) -> int:
        """Empty all of them; return how many events were written to the outbox.

        A place that fails is left for later, and none is begun after `end` (monotonic seconds).
        """
        self._end = end
        moved = 0
        for place in (self._redrive_blob_poison, self._redrive_event_poison, self._redrive_event_grid):
            if self._is_late():
                break
            try:
                moved += place()
            except ResourceNotFoundError:
                continue  # not there yet: nothing was ever given up on
            except Exception as error:  # noqa: BLE001  (what strangers left there must not stop deliveries)
                self._log.warning("redrive.failed", place=place.__name__, error=type(error).__name__)
        return moved

    def _is_late(self) -> bool:
        return self._timing.clock() >= self._end

    def _redrive_blob_poison(self) -> int:
        """Take our messages and leave the others.

        Peeking touches nothing, but shows the first 32 messages only. Receiving hides a foreign message from
        its owner for a minute, so it is done only when ours are in sight, or, behind more than 32 foreign
        ones, when their number has changed, at most once an hour.
        """
        seen = self._blob_poison.peek_messages(max_messages=_PAGE)
        ours = any(self._is_ours(decode_body(message.content)) for message in seen)
        if not ours and not self._is_deep_scan_due(len(seen)):
            return 0
        moved = foreign = 0
        for messages in self._pages(self._blob_poison):
            for message in messages:
                if self._is_late():
                    return moved
                body = decode_body(message.content)
                if not self._is_ours(body):
                    foreign += 1
                    continue
                moved += self._move(
                    self._blob_poison, message, body, blob_poison.read_poison, blob_poison.QUEUE
                )
        self._foreign_at_last_scan = foreign
        return moved

    def _is_deep_scan_due(self, seen: int) -> bool:
        if seen < _PAGE or self._timing.clock() < self._next_deep_scan:
            return False
        count = self._blob_poison.get_queue_properties().approximate_message_count or 0
        self._next_deep_scan = self._timing.clock() + _DEEP_SCAN_SECONDS
        return count != self._foreign_at_last_scan

    def _is_ours(self, body: bytes) -> bool:
        function, container = blob_poison.addressee(body)
        return function in self._functions and (container is None or self._watched(container))

    def _redrive_event_poison(self) -> int:
        moved = 0
        for messages in self._pages(self._event_poison):
            for message in messages:
                if self._is_late():
                    return moved
                body = decode_body(message.content)
                moved += self._move(self._event_poison, message, body, self._from_event_grid, _EVENT_POISON)
        return moved

    def _redrive_event_grid(self) -> int:
        """Take Event Grid's letters, each for itself: one that cannot be read or deleted blocks no other.

        Such a letter is left alone for an hour: the events of one that cannot be deleted are safe already.
        """
        moved = taken = 0
        for blob in self._event_grid.list_blobs():
            if taken == _MOST_LETTERS or self._is_late():
                break
            if self._timing.clock() < self._left_until.get(blob.name, float("-inf")):
                continue
            taken += 1
            try:
                moved += self._redrive_letter(self._event_grid.get_blob_client(blob.name), blob.size or 0)
            except Exception as error:  # noqa: BLE001  (see the docstring)
                self._left_until[blob.name] = self._timing.clock() + _LEFT_SECONDS
                self._log.warning("redrive.failed", place=blob.name, error=type(error).__name__)
        return moved

    def _redrive_letter(self, letter: BlobClient, size: int) -> int:
        name = letter.blob_name
        if size > _LARGEST_LETTER:
            error = BadEvent(f"The letter has {size} bytes, far more than an event.")
            self._dead_letters.add_unreadable(b"", error, source=EVENT_GRID_DEAD_LETTERS, where=name)
            self._left_until[name] = float("inf")
            return 0
        body = letter.download_blob().readall()
        moved = self._park(body, self._from_event_grid, EVENT_GRID_DEAD_LETTERS, where=name)
        if moved is None:
            return 0
        letter.delete_blob()
        return moved

    def _from_event_grid(self, body: bytes) -> Iterator[Pending]:
        for pending in pending_from_event_grid(body):
            yield pending if self._by_event else Pending(container=pending.container, name=pending.name)

    def _pages(self, queue: QueueClient) -> Iterator[list[QueueMessage]]:
        for _ in range(_MOST_PAGES):
            pages = queue.receive_messages(
                messages_per_page=_PAGE, visibility_timeout=self._timing.redrive_visibility_seconds
            ).by_page()
            messages = list(next(pages, ()))
            if not messages or self._is_late():
                return
            yield messages

    def _move(self, queue: QueueClient, message: QueueMessage, body: bytes, parse: Parse, source: str) -> int:
        moved = self._park(body, parse, source)
        if moved is None:
            return 0
        queue.delete_message(message)
        return moved

    def _park(self, body: bytes, parse: Parse, source: str, *, where: str = "") -> int | None:
        """Write what can be read to the outbox, the rest to the dead letters.

        Returns:
            How many events were written; None where something could not be, so that the body has to stay.
        """
        count = 0
        try:
            try:
                for pending in parse(body):
                    self._outbox.park(pending)
                    self._log.warning("event.redriven", blob=pending.path, source=source)
                    count += 1
            except BadEvent as error:
                self._dead_letters.add_unreadable(body, error, source=source, where=where)
        except BlobToDagError as error:
            self._log.warning("redrive.failed", place=source, error=error.code)
            return None
        return count
