"""`DrainLease`: which instance drains the outbox, and what the next one must know.

It decides on pace alone: two drains at once cost requests, never a run.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import copy_context
from datetime import UTC, datetime

import msgspec
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobClient, BlobLeaseClient, BlobServiceClient

from shared.model.errors import StorageUnavailable
from shared.storage.accounts import error_code

CONTAINER = "airflow-outbox"
_BLOB = "drain"
LEASE_SECONDS = 15
"""How long the lease of a worker that was killed lasts."""

_RENEWAL_SECONDS = 5.0
_TAKEN = {"LeaseAlreadyPresent", "LeaseIdMissing", "LeaseIsBreakingAndCannotBeAcquired"}
_MOST_CAPS = 75
"""Of the caps that wait longest: metadata holds 8 KiB, and the name of a cap is a route's."""


class Handover(msgspec.Struct):
    """What one drain tells the next.

    Attributes:
        last_lane: Partition that was served last: the next drain goes on behind it.
        next_free: By cap, when it lets the next run through.
        lost: Set when the lease went to somebody else.
    """

    last_lane: str = ""
    next_free: dict[str, datetime] = {}
    lost: threading.Event = msgspec.field(default_factory=threading.Event)


class DrainLease:
    """A lease of 15 s on one blob of the host account, renewed while it is held."""

    def __init__(self, blobs: BlobServiceClient, *, renewal_seconds: float = _RENEWAL_SECONDS) -> None:
        self._blobs = blobs
        self._renewal_seconds = renewal_seconds
        self._blob = blobs.get_blob_client(CONTAINER, _BLOB)

    @contextmanager
    def hold(self) -> Iterator[Handover | None]:
        """Yield what the last holder left, or None where somebody else holds the lease.

        What the body changes in it is handed on when it ends.

        Raises:
            StorageUnavailable: The lease can be neither had nor refused.
        """
        lease = self._acquire()
        if lease is None:
            yield None
            return
        stop = threading.Event()
        handover = self._read()
        arguments = (_renew, lease, stop, handover.lost, self._renewal_seconds)
        # In its context: what the SDK logs there belongs to the invocation.
        renewal = threading.Thread(target=copy_context().run, args=arguments, daemon=True)
        renewal.start()
        try:
            yield handover
        finally:
            stop.set()
            renewal.join()
            # The lease ends by itself in 15 s, and what is not handed on costs a little pace.
            with suppress(AzureError):
                self._blob.set_blob_metadata(_metadata(handover), lease=lease)
            with suppress(AzureError):
                lease.release()

    def _acquire(self) -> BlobLeaseClient | None:
        try:
            try:
                return self._blob.acquire_lease(LEASE_SECONDS)
            except ResourceNotFoundError:
                _make(self._blobs, self._blob)
                return self._blob.acquire_lease(LEASE_SECONDS)
        except HttpResponseError as error:
            code = error_code(error)
            if code in _TAKEN:
                return None
            msg = f"The lease on {CONTAINER}/{_BLOB} was refused ({error.status_code} {code})."
            raise StorageUnavailable(msg) from error
        except AzureError as error:
            msg = f"The blob {CONTAINER}/{_BLOB} cannot be reached ({type(error).__name__})."
            raise StorageUnavailable(msg) from error

    def _read(self) -> Handover:
        with suppress(AzureError):
            return _handover(self._blob.get_blob_properties().metadata or {})
        return Handover()


def _make(blobs: BlobServiceClient, blob: BlobClient) -> None:
    with suppress(ResourceExistsError):
        blobs.create_container(CONTAINER)
    with suppress(ResourceExistsError):
        blob.upload_blob(b"", overwrite=False)


def _renew(lease: BlobLeaseClient, stop: threading.Event, lost: threading.Event, seconds: float) -> None:
    while not stop.wait(seconds):
        try:
            lease.renew()
        except AzureError:
            lost.set()
            return


def _metadata(handover: Handover) -> dict[str, str]:
    caps = sorted(handover.next_free.items(), key=lambda item: item[1], reverse=True)[:_MOST_CAPS]
    # One value of ASCII that is never empty, as a header must be.
    left = {"last_lane": handover.last_lane, "next_free": {cap: time.timestamp() for cap, time in caps}}
    return {"handover": json.dumps(left)}


def _handover(metadata: Mapping[str, str]) -> Handover:
    """Read what the last holder left; what makes no sense is passed over."""
    handover = Handover()
    with suppress(ValueError, TypeError, AttributeError, KeyError, OverflowError, OSError):
        left = json.loads(metadata["handover"])
        handover.last_lane = str(left["last_lane"])
        for cap, time in left["next_free"].items():
            handover.next_free[cap] = datetime.fromtimestamp(time, UTC)
    return handover
