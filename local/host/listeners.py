"""The listeners of an app: built from its functions, started and stopped together."""

from collections.abc import Callable, Mapping
from typing import Protocol

from local.host.blob_message import BlobMessage, control_queue
from local.host.blob_path import BlobPath
from local.host.blob_queue import BlobQueue
from local.host.blob_runner import BlobRunner
from local.host.blob_scan import BlobScan, ScanTarget
from local.host.functions import (
    BLOB_TRIGGER,
    QUEUE_TRIGGER,
    TIMER_TRIGGER,
    Function,
    FunctionError,
    of_kind,
)
from local.host.parts import HostParts
from local.host.queue_listener import QueueListener
from local.host.queue_runner import QueueRunner
from local.host.receipts import Receipts
from local.host.settings import SettingError
from local.host.storage import HOST_CONNECTION, StorageAccounts
from local.host.timer import Timer


class Listener(Protocol):
    """Something that waits for events and runs functions."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End; what runs goes on."""


class Listeners:
    """All listeners but HTTP; what a function lacks puts that function in error, not the app."""

    def __init__(self, *, functions: list[Function], parts: HostParts) -> None:
        self._parts = parts
        self._accounts = parts.accounts
        self._all: list[Listener] = []
        self._by_hand: dict[str, Callable[[str], object]] = {}
        self.errors: dict[str, str] = {}
        self.blob_queue: BlobQueue | None = None
        blobs = [
            function for function in of_kind(functions, BLOB_TRIGGER) if self._try(_check_blob, function)
        ]
        if blobs:
            self._add_blobs(blobs)
        for function in of_kind(functions, QUEUE_TRIGGER):
            self._try(self._add_queue, function)
        for function in of_kind(functions, TIMER_TRIGGER):
            self._try(self._add_timer, function)

    def start(self) -> None:
        """Start all."""
        for listener in self._all:
            listener.start()

    def stop(self) -> None:
        """Stop all."""
        for listener in self._all:
            listener.stop()

    @property
    def by_hand(self) -> Mapping[str, Callable[[str], object]]:
        """For each function, how to run it once with an input."""
        return self._by_hand

    def _try(self, step: Callable[[Function], None], function: Function) -> bool:
        try:
            step(function)
        except (FunctionError, SettingError) as exc:
            self.errors[function.name] = str(exc)
            return False
        return True

    def _add_blobs(self, functions: list[Function]) -> None:
        for function in list(functions):
            if not self._try(lambda item: (self._accounts.blobs(item.connection), None)[1], function):
                functions.remove(function)
        runner = BlobRunner(functions=functions, parts=self._parts)
        client = self._accounts.queues(HOST_CONNECTION).get_queue_client(control_queue(self._parts.host_id))
        listener = QueueListener(
            queue=client,
            knobs=self._parts.host_json.blobs,
            run=runner.run,
            poison_queue_of=runner.poison_queue_of,
            parts=self._parts,
        )
        self.blob_queue = BlobQueue(queue=client, notify=listener.notify)
        self._all.append(listener)
        self._add_scans([function for function in functions if not function.is_event_grid], self.blob_queue)
        for function in functions:
            self._by_hand[function.name] = _blob_by_hand(function, runner, self._accounts)

    def _add_scans(self, functions: list[Function], queue: BlobQueue) -> None:
        receipts = Receipts(
            blobs=self._accounts.blobs(HOST_CONNECTION),
            host_id=self._parts.host_id,
            lease_seconds=self._parts.times.receipt_lease,
        )
        targets: dict[tuple[str, str], list[ScanTarget]] = {}
        for function in functions:
            path = BlobPath.parse(str(function.trigger["path"]))
            key = (function.connection, path.container.lower())
            targets.setdefault(key, []).append(ScanTarget(function=function, path=path))
        for (connection, container), of_container in targets.items():
            self._all.append(
                BlobScan(
                    container=self._accounts.blobs(connection).get_container_client(container),
                    targets=of_container,
                    receipts=receipts,
                    queue=queue,
                    parts=self._parts,
                )
            )

    def _add_queue(self, function: Function) -> None:
        service = self._accounts.queues(function.connection)
        name = str(function.trigger["queueName"])
        poison = service.get_queue_client(f"{name}-poison")
        runner = QueueRunner(function=function, parts=self._parts)
        self._all.append(
            QueueListener(
                queue=service.get_queue_client(name),
                knobs=self._parts.host_json.queues,
                run=runner.run,
                poison_queue_of=lambda _message: poison,
                parts=self._parts,
            )
        )
        self._by_hand[function.name] = lambda text: runner.run_body(text.encode())

    def _add_timer(self, function: Function) -> None:
        timer = Timer(function=function, parts=self._parts)
        self._all.append(timer)
        self._by_hand[function.name] = lambda _text: timer.fire(
            reason="This function was programmatically called via the host APIs."
        )


def _check_blob(function: Function) -> None:
    BlobPath.parse(str(function.trigger["path"]))


def _blob_by_hand(
    function: Function, runner: BlobRunner, accounts: StorageAccounts
) -> Callable[[str], object]:
    """Return how to run a blob function with `container/blob` (DOC functions-event-grid-blob-trigger.md)."""

    def run(text: str) -> object:
        container, _, blob = text.partition("/")
        properties = (
            accounts.blobs(function.connection).get_blob_client(container, blob).get_blob_properties()
        )
        message = BlobMessage(
            function_id=function.host_id,
            blob_type=str(properties.blob_type),
            container=container,
            blob=blob,
            etag=str(properties.etag),
        )
        return runner.run_blob(message, details="by hand")

    return run
