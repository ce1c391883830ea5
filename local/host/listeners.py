"""The listeners of an app: built from its functions, started and stopped together."""

from collections.abc import Callable
from typing import Protocol

from local.host.blob_queue import BlobQueue, control_queue
from local.host.blob_scan import BlobScan, Receipts, ScanTarget
from local.host.functions import (
    BLOB_TRIGGER,
    QUEUE_TRIGGER,
    TIMER_TRIGGER,
    BlobPath,
    Function,
    FunctionError,
    of_kind,
)
from local.host.invoker import HostServices
from local.host.message_runners import BlobRunner, QueueRunner
from local.host.queue_listener import QueueListener
from local.host.settings import SettingError
from local.host.storage import HOST_CONNECTION
from local.host.timer import Timer


class Listener(Protocol):
    """Something that waits for events and runs functions."""

    def start(self) -> None:
        """Begin."""

    def stop(self, *, drain: bool) -> None:
        """Take no more events. With `drain` what runs goes on and is settled."""


class Listeners:
    """All listeners of the app; a function that cannot be listened to leaves the others alone.

    Attributes:
        errors: by name of the function, why the host does not listen for it.
        blob_queue: the control queue; None without blob functions.
        timers: by name of the function in lower case.
    """

    def __init__(self, *, functions: list[Function], services: HostServices) -> None:
        self._services = services
        self._accounts = services.accounts
        self._all: list[Listener] = []
        self.errors: dict[str, str] = {}
        self.blob_queue: BlobQueue | None = None
        self.timers: dict[str, Timer] = {}
        blobs = [item for item in of_kind(functions, BLOB_TRIGGER) if self._try(self._check_blob, item)]
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

    def stop(self, *, drain: bool = False) -> None:
        """Stop all. With `drain` what runs goes on and is settled."""
        for listener in self._all:
            listener.stop(drain=drain)

    def _try(self, step: Callable[[Function], None], function: Function) -> bool:
        try:
            step(function)
        except (FunctionError, SettingError) as exc:
            self.errors[function.name] = str(exc)
            return False
        return True

    def _check_blob(self, function: Function) -> None:
        BlobPath.parse(str(function.trigger["path"]))
        self._accounts.blobs(function.connection)
        self._accounts.queues(HOST_CONNECTION)

    def _add_blobs(self, functions: list[Function]) -> None:
        """Add one listener for all blob functions, and a scan for each container that is scanned."""
        client = self._accounts.queues(HOST_CONNECTION).get_queue_client(
            control_queue(self._services.host_id)
        )
        listener = QueueListener(
            queue=client,
            settings=self._services.host_json.blobs,
            runner=BlobRunner(functions=functions, services=self._services),
            services=self._services,
        )
        self.blob_queue = BlobQueue(queue=client, notify=listener.notify)
        self._all.append(listener)
        receipts = Receipts(
            blobs=self._accounts.blobs(HOST_CONNECTION),
            host_id=self._services.host_id,
            lease_seconds=self._services.times.receipt_lease,
        )
        targets: dict[tuple[str, str], list[ScanTarget]] = {}
        for function in functions:
            if function.source != "EventGrid":
                path = BlobPath.parse(str(function.trigger["path"]))
                key = (function.connection, path.container.lower())
                targets.setdefault(key, []).append(ScanTarget(function=function, path=path))
        for (connection, container), of_container in targets.items():
            self._all.append(
                BlobScan(
                    container=self._accounts.blobs(connection).get_container_client(container),
                    targets=of_container,
                    receipts=receipts,
                    queue=self.blob_queue,
                    services=self._services,
                )
            )

    def _add_queue(self, function: Function) -> None:
        name = str(function.trigger["queueName"])
        self._all.append(
            QueueListener(
                queue=self._accounts.queues(function.connection).get_queue_client(name),
                settings=self._services.host_json.queues,
                runner=QueueRunner(function=function, services=self._services),
                services=self._services,
            )
        )

    def _add_timer(self, function: Function) -> None:
        timer = Timer(function=function, services=self._services)
        self._all.append(timer)
        self.timers[function.name.lower()] = timer
