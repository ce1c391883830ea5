"""`BlobEvent`: one version of a blob was observed. The same value from every source."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from urllib.parse import quote, unquote, urlsplit

from shared.model.errors import BadEvent

_TEXTS = ("account", "container", "name", "etag", "content_type", "blob_type", "access_tier", "sequencer")
_NO_METADATA: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobEvent:
    """One observed version of a blob.

    Who the version is (`account`, `container`, `name`, `etag`) is canonical: see `account_from_url`,
    `canonical_etag` and `blob_path_from_url`. The name is as storage has it, decoded once and never
    Unicode-normalised: NFC and NFD twins are two blobs.

    Attributes:
        account: Name of the storage account, lower case.
        container: Name of the container.
        name: Name of the blob in the container, up to 1,024 characters of any kind.
        etag: ETag without quotes and without `W/`.
        size: Bytes; 0 is a size.
        event_time: When the version came to be, aware.
        url: Address of the blob without a SAS or any other query.
        content_type: As stored; None where the source does not tell.
        last_modified: As stored, aware; None where the source does not tell.
        blob_type: `BlockBlob`, `PageBlob` or `AppendBlob`; None where the source does not tell.
        access_tier: Such as `Hot`; None where the source does not tell.
        copy_status: `pending`, `success`, `aborted`, `failed`; None where the blob is no copy.
        metadata: The blob's own key-value pairs.
        version_id: Of accounts with versioning, where the event has it.
        sequencer: Event Grid's order of the events of one blob, where the event has it.
        traceparent: W3C trace context of the invocation that observed the version.

    Raises:
        BadEvent: A part of the identity is missing, a text is not writable as UTF-8, or a time has no zone.
    """

    account: str
    container: str
    name: str
    etag: str
    size: int
    event_time: datetime
    url: str
    content_type: str | None = None
    last_modified: datetime | None = None
    blob_type: str | None = None
    access_tier: str | None = None
    copy_status: str | None = None
    metadata: Mapping[str, str] = field(default_factory=lambda: _NO_METADATA)
    version_id: str | None = None
    sequencer: str | None = None
    traceparent: str | None = None

    def __post_init__(self) -> None:
        for what in ("account", "container", "name", "etag"):
            if not getattr(self, what):
                msg = f"The event has no {what}, so which version of which blob it means is unknown."
                raise BadEvent(msg)
        for what in _TEXTS:
            value = getattr(self, what) or ""
            try:
                value.encode()
            except UnicodeEncodeError as error:
                msg = f"The event's {what} {value!a} has half of a surrogate pair, which no blob has."
                raise BadEvent(msg) from error
        for what in ("event_time", "last_modified"):
            moment = getattr(self, what)
            if moment is not None and moment.tzinfo is None:
                msg = f"The event's {what} has no time zone."
                raise BadEvent(msg)

    @property
    def path(self) -> str:
        """`container/name`, as people write it."""
        return f"{self.container}/{self.name}"


def canonical_etag(etag: str) -> str:
    """Strip what only some tellers add.

    A `HEAD` gives the ETag in quotes, a listing and Event Grid give it without; proxies may mark it weak.
    """
    return etag.strip().removeprefix("W/").strip('"')


def account_from_url(url: str) -> str:
    """Name the storage account of any endpoint or blob address of it.

    `https://acct.blob.core.windows.net`, its `dfs`, `privatelink`, `-secondary` and DNS-zone forms give
    `acct`; emulators carry the account in the path (`http://127.0.0.1:10000/devstoreaccount1`).

    Raises:
        BadEvent: The address names no account.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    account = parts.path.lstrip("/").partition("/")[0] if _is_path_style(host) else host.partition(".")[0]
    account = unquote(account).lower().removesuffix("-secondary")
    if not account:
        msg = f"{url_without_query(url)!a} names no storage account."
        raise BadEvent(msg)
    return account


def blob_path_from_url(url: str) -> tuple[str, str]:
    """Split a blob's address into container and name, decoded once.

    Raises:
        BadEvent: The address names no blob.
    """
    parts = urlsplit(url)
    segments = parts.path.lstrip("/")
    if _is_path_style((parts.hostname or "").lower()):
        segments = segments.partition("/")[2]
    container, _, name = segments.partition("/")
    if not container or not name:
        msg = f"{url_without_query(url)!a} names no blob: expected …/container/name."
        raise BadEvent(msg)
    return unquote(container), unquote(name)


def blob_url(endpoint: str, container: str, name: str) -> str:
    """Give the address of a blob below its account's endpoint; every special character is quoted."""
    return f"{url_without_query(endpoint).rstrip('/')}/{quote(container, safe='$')}/{quote(name, safe='/~')}"


def url_without_query(url: str) -> str:
    """Drop the query, where a SAS would be, and the fragment."""
    return url.partition("?")[0].partition("#")[0]


def _is_path_style(host: str) -> bool:
    """Tell an emulator's host (an IP address or a bare name) from an account's own."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return True
