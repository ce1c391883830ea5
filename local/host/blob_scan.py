"""Finds new and changed blobs by listing a container, and queues each version once.

Source: NET-B Listeners/BlobTriggerExecutor.cs, BlobReceiptManager.cs, ARCH. The real host also reads
storage's own logs, which are late and incomplete; Azurite has none. Listing finds every blob either way.
"""

import contextlib
import threading
from dataclasses import dataclass

from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobClient, BlobLeaseClient, BlobProperties, BlobServiceClient, ContainerClient

from local.host.blob_queue import BlobMessage, BlobQueue
from local.host.functions import BlobPath, Function
from local.host.host_log import brief
from local.host.invoker import HostServices

HOSTS_CONTAINER = "azure-webjobs-hosts"
_INCOMPLETE = {"Incomplete": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A leased receipt; complete it once the blob is queued."""

    client: BlobClient
    lease: BlobLeaseClient

    def complete(self) -> None:
        """Record that the blob is queued, and release the lease."""
        with contextlib.suppress(ResourceNotFoundError, ResourceModifiedError):
            self.client.set_blob_metadata({}, lease=self.lease)
        self.release()

    def release(self) -> None:
        """Release the lease, so that the blob can be queued later."""
        with contextlib.suppress(HttpResponseError):
            self.lease.release()


class Receipts:
    """The receipts of one app: which version of a blob was queued for which function."""

    def __init__(self, *, blobs: BlobServiceClient, host_id: str, lease_seconds: int) -> None:
        self._container = blobs.get_container_client(HOSTS_CONTAINER)
        self._host_id = host_id
        self._lease_seconds = lease_seconds

    def take(self, *, function_id: str, etag: str, container: str, blob: str) -> Receipt | bool:
        """Claim a version of a blob.

        Returns:
            The receipt; or True when the version is queued already, or False when another host has it.
        """
        path = f"blobreceipts/{self._host_id}/{function_id}/{etag}/{container}/{blob}"
        client = self._container.get_blob_client(path)
        self._create(client)
        try:
            lease = client.acquire_lease(lease_duration=self._lease_seconds)
        except (ResourceExistsError, ResourceNotFoundError):
            return False
        receipt = Receipt(client=client, lease=lease)
        if "Incomplete" in {key.title() for key in client.get_blob_properties().metadata}:
            return receipt
        receipt.release()
        return True

    def _create(self, client: BlobClient) -> None:
        with contextlib.suppress(ResourceExistsError, ResourceModifiedError):
            try:
                client.upload_blob(b"", metadata=_INCOMPLETE, overwrite=False)
            except ResourceNotFoundError:
                with contextlib.suppress(ResourceExistsError):
                    self._container.create_container()
                client.upload_blob(b"", metadata=_INCOMPLETE, overwrite=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTarget:
    """A function, with the path that it listens to."""

    function: Function
    path: BlobPath


class BlobScan:
    """A thread that lists one container at an interval, for all functions that listen to it."""

    def __init__(
        self,
        *,
        container: ContainerClient,
        targets: list[ScanTarget],
        receipts: Receipts,
        queue: BlobQueue,
        services: HostServices,
    ) -> None:
        self._container = container
        self._targets = targets
        self._receipts = receipts
        self._queue = queue
        self._interval_seconds = services.times.container_scan
        self._log = services.log
        self._stopping = threading.Event()
        # ETags that are queued already, by function and blob; a cache of the receipts.
        self._queued: dict[tuple[str, str], str] = {}
        self._thread = threading.Thread(
            target=self._watch, name=f"scan-{container.container_name}", daemon=True
        )

    def start(self) -> None:
        """Begin to scan."""
        self._thread.start()

    def stop(self, *, drain: bool) -> None:  # noqa: ARG002 (a scan runs no function)
        """Stop scanning."""
        self._stopping.set()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self._scan()
            except ResourceNotFoundError:
                # The container may be created later.
                pass
            except Exception as exc:  # noqa: BLE001 (an outage of storage must not end the scan)
                name = self._container.container_name
                self._log(f"Container '{name}' not scanned: {brief(exc)}", level="Error")
            self._stopping.wait(self._interval_seconds)

    def _scan(self) -> None:
        """List the container once and queue what is new."""
        for properties in self._container.list_blobs():
            for target in self._targets:
                if self._stopping.is_set():
                    return
                self._check(properties, target)

    def _check(self, properties: BlobProperties, target: ScanTarget) -> None:
        container, blob = self._container.container_name, properties.name
        etag = f'"{str(properties.etag).strip('"')}"'
        function_id = target.function.host_id
        if self._queued.get((function_id, blob)) == etag or not target.path.matches(blob):
            return
        receipt = self._receipts.take(function_id=function_id, etag=etag, container=container, blob=blob)
        if receipt is False:
            return
        if isinstance(receipt, Receipt):
            message = BlobMessage(
                function_id=function_id,
                blob_type=properties.blob_type or "BlockBlob",
                container=container,
                blob=blob,
                etag=etag,
            )
            try:
                self._queue.send(message)
            except Exception:
                receipt.release()
                raise
            receipt.complete()
        self._queued[function_id, blob] = etag
