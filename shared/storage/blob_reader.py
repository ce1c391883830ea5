"""`LandingAccount`: the facts of a blob, by one `HEAD`. Its content is never read."""

from datetime import UTC, datetime
from http import HTTPStatus

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobProperties

from shared.model.blob_event import BlobEvent, account_from_url, blob_url, canonical_etag
from shared.model.errors import BadEvent, StorageUnavailable
from shared.storage.accounts import StorageAccount


class LandingAccount:
    """The storage account that blobs land in."""

    def __init__(self, account: StorageAccount) -> None:
        self._service = account.blobs
        self._name = account.name

    def observe(self, container: str, name: str, *, traceparent: str | None = None) -> BlobEvent | None:
        """Give the blob's current version as an event; None if there is no such blob (any more).

        Raises:
            BadEvent: There can be no such blob.
            StorageUnavailable: Storage does not answer, or refuses the app's identity.
        """
        try:
            properties = self._properties(container, name)
        except ResourceNotFoundError:
            return None
        except (ClientAuthenticationError, HttpResponseError) as error:
            if error.status_code == HTTPStatus.BAD_REQUEST:
                msg = f"Storage says that there can be no blob {container}/{name!a} (400)."
                raise BadEvent(msg) from error
            msg = (
                f"Storage refused the facts of {container}/{name!a} "
                f"({getattr(error, 'status_code', None)} {getattr(error, 'error_code', None)}). "
                f"Does the app's identity have a role on the account of {self._name}?"
            )
            raise StorageUnavailable(msg) from error
        except AzureError as error:
            msg = f"The storage account {self._name} cannot be reached ({type(error).__name__})."
            raise StorageUnavailable(msg) from error
        if properties is None:
            return None
        return _event(self._service.url, container, name, properties, traceparent)

    def _properties(self, container: str, name: str) -> BlobProperties | None:
        if not {".", ".."}.isdisjoint(name.split("/")):
            # HTTP clients resolve `a/../b` to `b` on the way: a HEAD would tell of another blob.
            listed = self._service.get_container_client(container).list_blobs(
                name_starts_with=name, include=["metadata", "copy"], results_per_page=1
            )
            return next((item for item in listed if item.name == name), None)
        return self._service.get_blob_client(container, name).get_blob_properties()


def _event(
    endpoint: str, container: str, name: str, properties: BlobProperties, traceparent: str | None
) -> BlobEvent:
    modified: datetime = properties.last_modified or datetime.now(UTC)
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
        traceparent=traceparent,
    )
