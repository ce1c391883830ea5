"""Finds new and changed blobs by listing a container, and queues them.

Source: NET-B Listeners/BlobTriggerExecutor.cs, ARCH. The real host also reads storage's own logs, which
come late and not always; Azurite has none. Blobs are found by listing either way.
"""

import threading
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContainerClient

from local.host.blob_message import BlobMessage
from local.host.blob_path import BlobPath
from local.host.blob_queue import BlobQueue
from local.host.functions import Function
from local.host.host_log import brief
from local.host.parts import HostParts
from local.host.receipts import Receipt, Receipts


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTarget:
    """A function, with the path that it listens to."""

    function: Function
    path: BlobPath


class BlobScan:
    """A thread that lists one container again and again, for all functions that listen to it."""

    def __init__(
        self,
        *,
        container: ContainerClient,
        targets: list[ScanTarget],
        receipts: Receipts,
        queue: BlobQueue,
        parts: HostParts,
    ) -> None:
        self._container = container
        self._targets = targets
        self._receipts = receipts
        self._queue = queue
        self._interval_seconds = parts.times.container_scan
        self._log = parts.log
        self._stopping = threading.Event()
        # What was found queued already; the receipts are the truth, this spares asking for them.
        self._known: dict[tuple[str, str], str] = {}
        self._thread = threading.Thread(
            target=self._watch, name=f"scan-{container.container_name}", daemon=True
        )

    def start(self) -> None:
        """Begin to scan."""
        self._thread.start()

    def stop(self) -> None:
        """Scan no more."""
        self._stopping.set()

    def scan(self) -> None:
        """List the container once and queue what is new."""
        for properties in self._container.list_blobs():
            if self._stopping.is_set():
                return
            for target in self._targets:
                self._look(properties, target)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self.scan()
            except ResourceNotFoundError:
                # The container may come later.
                pass
            except Exception as exc:  # noqa: BLE001 (an outage of storage must not end the scan)
                self._log(
                    f"Container '{self._container.container_name}' not scanned: {brief(exc)}", level="Error"
                )
            self._stopping.wait(self._interval_seconds)

    def _look(self, properties: BlobProperties, target: ScanTarget) -> None:
        container, blob = self._container.container_name, properties.name
        etag = f'"{str(properties.etag).strip('"')}"'
        key = (target.function.host_id, blob)
        if self._known.get(key) == etag:
            return
        if target.path.match(container, blob) is None:
            return
        receipt = self._receipts.take(
            function_id=target.function.host_id, etag=etag, container=container, blob=blob
        )
        if isinstance(receipt, Receipt):
            try:
                self._queue.send(
                    BlobMessage(
                        function_id=target.function.host_id,
                        blob_type=properties.blob_type or "BlockBlob",
                        container=container,
                        blob=blob,
                        etag=etag,
                    )
                )
            except Exception:
                receipt.release()
                raise
            receipt.complete()
        if receipt is not False:
            self._known[key] = etag
