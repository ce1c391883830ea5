"""`RoutesBlob`: the routes in a blob of the host account, which change without a deployment."""

import threading
import time
from collections.abc import Callable

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob import BlobServiceClient, StorageStreamDownloader

from shared.event_log import EventLog
from shared.model.blob_event import canonical_etag
from shared.model.errors import Misconfigured, StorageUnavailable
from shared.routes.table import RouteTable
from shared.storage.accounts import error_code

LOOK_AGAIN_SECONDS = 60.0
MOST_BYTES = 1_048_576
_NOT_MODIFIED = 304


class RoutesBlob:
    """Keeps the table of the last good version; looks for a newer one at most once a minute.

    Args:
        service: Client of the host account's blobs.
        path: `container/name` of the blob.
        read: Reads the text into a table; raises Misconfigured with every fault.
        log: Of events.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        service: BlobServiceClient,
        path: str,
        *,
        read: Callable[[str], RouteTable],
        log: EventLog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        container, _, name = path.partition("/")
        self._blob = service.get_blob_client(container, name)
        self._path = path
        self._read = read
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._table: RouteTable | None = None
        self._etag = ""
        self._look_at = float("-inf")

    def current(self) -> RouteTable:
        """Return the routes that are in force.

        Raises:
            Misconfigured: There were never any that can be used.
        """
        if self._table is None:
            self._load()
        if self._table is None:
            msg = f"ROUTES_BLOB={self._path!a} has no routes that can be used."
            raise Misconfigured(msg)
        return self._table

    def refresh(self) -> None:
        """Take over a newer version if there is one that can be used; else the last good one stays."""
        if self._clock() < self._look_at or not self._lock.acquire(blocking=False):
            return
        try:
            if self._clock() >= self._look_at:
                self._load()
        except Misconfigured as error:
            # Each instance says so once for each version.
            self._log.error("routes.rejected", etag=canonical_etag(self._etag), message=str(error))
        except StorageUnavailable as error:
            self._log.warning("routes.unreadable", message=str(error))
        finally:
            self._lock.release()

    def _load(self) -> None:
        self._look_at = self._clock() + LOOK_AGAIN_SECONDS
        text = self._download()
        if text is None:
            return
        table = self._read(text)
        # One assignment: an event that has begun goes on with the table that it began with.
        self._table = table
        self._log.info("routes.loaded", etag=canonical_etag(self._etag), routes=len(table.routes))

    def _download(self) -> str | None:
        """Return the text; None if it is the version that was read last."""
        try:
            stream = self._get()
            if stream.properties.size > MOST_BYTES:
                self._etag = str(stream.properties.etag)
                msg = f"ROUTES_BLOB={self._path!a} has more than {MOST_BYTES} bytes."
                raise Misconfigured(msg)
            content = stream.readall()
        except HttpResponseError as error:
            if error.status_code == _NOT_MODIFIED:
                return None
            msg = (
                f"ROUTES_BLOB={self._path!a} cannot be read ({error.status_code} {error_code(error)}). "
                "Is it there, as container/name in the host account?"
            )
            raise StorageUnavailable(msg) from error
        except AzureError as error:
            msg = f"ROUTES_BLOB={self._path!a} cannot be read ({type(error).__name__})."
            raise StorageUnavailable(msg) from error
        self._etag = str(stream.properties.etag)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            msg = f"ROUTES_BLOB={self._path!a} is no UTF-8 text."
            raise Misconfigured(msg) from error

    def _get(self) -> StorageStreamDownloader[bytes]:
        if not self._etag:
            return self._blob.download_blob()
        return self._blob.download_blob(
            etag=canonical_etag(self._etag), match_condition=MatchConditions.IfModified
        )
