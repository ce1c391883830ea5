"""Receipts: which version of a blob was queued for which function already.

Source: NET-B Listeners/BlobReceiptManager.cs. Only the scanning source writes them.
"""

import contextlib
from dataclasses import dataclass

from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobClient, BlobLeaseClient, BlobServiceClient

HOSTS_CONTAINER = "azure-webjobs-hosts"
_INCOMPLETE = {"Incomplete": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt that this host holds; complete it once the blob is queued."""

    client: BlobClient
    lease: BlobLeaseClient

    def complete(self) -> None:
        """Say that the blob is queued, and let go."""
        with contextlib.suppress(ResourceNotFoundError, ResourceModifiedError):
            self.client.set_blob_metadata({}, lease=self.lease)
        self.release()

    def release(self) -> None:
        """Let go, so that the blob can be queued later."""
        with contextlib.suppress(HttpResponseError):
            self.lease.release()


class Receipts:
    """The receipts of one app."""

    def __init__(self, *, blobs: BlobServiceClient, host_id: str, lease_seconds: int) -> None:
        self._container = blobs.get_container_client(HOSTS_CONTAINER)
        self._host_id = host_id
        self._lease_seconds = lease_seconds

    def take(self, *, function_id: str, etag: str, container: str, blob: str) -> Receipt | bool:
        """Claim a version of a blob.

        Returns:
            The receipt; or True when the version is queued already, or False when another host is at it.
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
