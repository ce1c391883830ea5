"""`BlobReader`: the properties of a blob, by one `HEAD`. Its content is never read."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobProperties

from shared.model.blob_event import BlobEvent, account_from_url, blob_url, canonical_etag, check_text
from shared.model.errors import BadEvent, StorageUnavailable
from shared.storage.accounts import StorageAccount, error_code

_IMPOSSIBLE_NAMES = {"InvalidResourceName", "InvalidUri", "OutOfRangeInput"}
_NEAR_NAMES = 100
PAGE = 5_000
"""The most that storage lists at once."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """The current version of a blob, and when the blob was made, which new metadata do not move."""

    event: BlobEvent
    created: datetime


class BlobReader:
    """The storage account that blobs land in."""

    def __init__(self, account: StorageAccount) -> None:
        self._service = account.blobs
        self._name = account.name

    def read(self, container: str, name: str) -> BlobEvent | None:
        """Return the blob's current version as an event; None if there is no such blob (any more).

        Raises:
            BadEvent: There can be no such blob.
            StorageUnavailable: Storage does not answer, or refuses the app's identity.
        """
        check_text("name", name)
        try:
            properties = self._properties(container, name)
        except ResourceNotFoundError as error:
            code = error_code(error)
            if code == "BlobNotFound":
                return None
            msg = f"Storage has no container {container!a} ({code}). Is LANDING_PATH right, and its account?"
            raise StorageUnavailable(msg) from error
        except HttpResponseError as error:
            code = error_code(error)
            if error.response is None:
                kind = type(error).__name__
                msg = f"The app's identity got no token for the account of {self._name} ({kind})."
                raise StorageUnavailable(msg) from error
            if code in _IMPOSSIBLE_NAMES:
                msg = f"Storage says that there can be no blob {container}/{name!a} ({code})."
                raise BadEvent(msg) from error
            msg = (
                f"Storage refused the properties of {container}/{name!a} ({error.status_code} {code}). "
                f"Does the app's identity have a role on the account of {self._name}?"
            )
            raise StorageUnavailable(msg) from error
        except AzureError as error:
            msg = f"The storage account {self._name} cannot be reached ({type(error).__name__})."
            raise StorageUnavailable(msg) from error
        if properties is None:
            return None
        return _event(self._service.url, container, name, properties)

    def blobs(self, container: str, prefix: str = "") -> Iterator[Listed]:
        """List the blobs whose names begin so, in the order of their names, a request for each 5,000.

        Raises:
            StorageUnavailable: Storage does not answer, or refuses the app's identity.
        """
        try:
            found = self._service.get_container_client(container).list_blobs(
                name_starts_with=prefix or None, include=["metadata", "copy"], results_per_page=PAGE
            )
            for item in found:
                event = _event(self._service.url, container, item.name, item)
                yield Listed(event=event, created=item.creation_time or event.event_time)
        except AzureError as error:
            code = error_code(error) if isinstance(error, HttpResponseError) else type(error).__name__
            msg = f"The blobs of {container}/{prefix!a} cannot be listed ({code})."
            raise StorageUnavailable(msg) from error

    def _properties(self, container: str, name: str) -> BlobProperties | None:
        if not {".", ".."}.isdisjoint(name.split("/")):
            # HTTP clients resolve `a/../b` to `b` on the way: a HEAD would tell of another blob.
            return self._listed(container, name)
        return self._service.get_blob_client(container, name).get_blob_properties()

    def _listed(self, container: str, name: str) -> BlobProperties | None:
        """Return the properties from one page of a listing, in which a name comes before all longer ones."""
        pages = (
            self._service.get_container_client(container)
            .list_blobs(name_starts_with=name, include=["metadata", "copy"], results_per_page=_NEAR_NAMES)
            .by_page()
        )
        page = list(next(pages, ()))
        if not page and getattr(pages, "continuation_token", None):
            # Storage may cut a page where a partition ends; a name that is there must not count as gone.
            msg = f"Storage gave an unfinished listing of {container}/{name!a}."
            raise StorageUnavailable(msg)
        return next((item for item in page if item.name == name), None)


def _event(endpoint: str, container: str, name: str, properties: BlobProperties) -> BlobEvent:
    if properties.last_modified is None:
        # Never the time of the look: one version must have one key in the outbox.
        msg = f"Storage gave no Last-Modified of {container}/{name!a}."
        raise StorageUnavailable(msg)
    modified = properties.last_modified
    blob_type = properties.blob_type
    return BlobEvent(
        account=account_from_url(endpoint),
        container=container,
        name=name,
        etag=canonical_etag(properties.etag or ""),
        size=properties.size or 0,
        event_time=modified,
        url=blob_url(endpoint, container, name),
        content_type=properties.content_settings.content_type,
        last_modified=modified,
        blob_type=getattr(blob_type, "value", blob_type),
        access_tier=properties.blob_tier,
        copy_status=properties.copy.status,
        metadata=properties.metadata or {},
        version_id=getattr(properties, "version_id", None),
    )
