"""A lock that one host of an app holds at a time: a leased blob in the host's storage.

Source: SDK Singleton/BlobLeaseDistributedLockManager.cs; the blob is
`azure-webjobs-hosts/locks/<host id>/<function>.Listener`.
"""

import contextlib
import threading
import time

from azure.core.exceptions import (
    AzureError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobLeaseClient, BlobServiceClient

from local.host.blob_scan import HOSTS_CONTAINER


class Singleton:
    """The lock; its holder calls `try_hold` regularly to keep it."""

    def __init__(self, *, blobs: BlobServiceClient, host_id: str, name: str, lease_seconds: int) -> None:
        self._container = blobs.get_container_client(HOSTS_CONTAINER)
        self._blob = self._container.get_blob_client(f"locks/{host_id}/{name}")
        self._lease_seconds = lease_seconds
        self._lease: BlobLeaseClient | None = None
        self._lock = threading.Lock()
        self._renew_at = 0.0

    @property
    def renewal_seconds(self) -> float:
        """How long a holder may wait before it calls `try_hold` again."""
        return self._lease_seconds / 4

    def try_hold(self) -> bool:
        """Take the lock, or renew it when it is time; return whether this host has it now."""
        with self._lock:
            if self._lease is not None and time.monotonic() < self._renew_at:
                return True
            self._renew_at = time.monotonic() + self.renewal_seconds
            try:
                if self._lease is not None:
                    self._lease.renew()
                else:
                    self._lease = self._acquire()
            except AzureError:
                self._lease = None
            return self._lease is not None

    def release(self) -> None:
        """Release the lock, so that another host can take it at once."""
        with self._lock, contextlib.suppress(AzureError):
            if self._lease is not None:
                self._lease.release()
            self._lease = None

    def _acquire(self) -> BlobLeaseClient | None:
        for _ in range(2):
            try:
                return self._blob.acquire_lease(lease_duration=self._lease_seconds)
            except ResourceExistsError:
                return None
            except ResourceNotFoundError:
                with contextlib.suppress(ResourceExistsError):
                    self._container.create_container()
                with contextlib.suppress(ResourceExistsError, ResourceModifiedError):
                    self._blob.upload_blob(b"", overwrite=False)
        return None
