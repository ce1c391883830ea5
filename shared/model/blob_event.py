"""`BlobEvent`: one observed version of a blob. The same value from every source."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import quote, unquote, urlsplit

from shared.model.errors import BadEvent

_IDENTITY = ("account", "container", "name", "etag")
_TEXTS = (
    *_IDENTITY,
    *("url", "content_type", "blob_type", "access_tier", "copy_status", "version_id", "sequencer"),
    "traceparent",
)
_LONGEST_TEXT = 16_000
"""Characters: names have 1,024 at most, and their addresses twelve for each."""

_MOST_BYTES = 2**63
_NO_METADATA: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobEvent:
    """One observed version of a blob.

    The identity fields (`account`, `container`, `name`, `etag`) are canonical: see `account_from_url`,
    `canonical_etag` and `blob_path_from_url`. The name is as in storage, decoded once and never
    Unicode-normalised: the NFC and NFD forms of a name are two blobs.

    Attributes:
        account: Name of the storage account, lower case.
        container: Name of the container.
        name: Name of the blob in the container, up to 1,024 characters of any kind.
        etag: ETag without quotes and without `W/`.
        size: Bytes; 0 is a size.
        event_time: When the version was created, with a time zone.
        url: Address of the blob, without a SAS or any other query.
        content_type: As stored; None if the source does not have it.
        last_modified: As stored, with a time zone; None if the source does not have it.
        blob_type: `BlockBlob`, `PageBlob` or `AppendBlob`; None if the source does not have it.
        access_tier: Such as `Hot`; None if the source does not have it.
        copy_status: `pending`, `success`, `aborted`, `failed`; None if the blob is not a copy.
        metadata: The blob's own key-value pairs.
        version_id: In accounts with versioning, if the event has it.
        sequencer: Event Grid's order of the events of one blob, if the event has it.
        traceparent: W3C trace context of the invocation that observed the version.

    Raises:
        BadEvent: A part of the identity is missing, a text is too long or not writable as UTF-8, a number or
            a time is out of range, or a time has no zone.
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
        for what in _IDENTITY:
            if not getattr(self, what):
                msg = f"The event has no {what}, so it does not identify a version of a blob."
                raise BadEvent(msg)
        for what in _TEXTS:
            check_text(what, getattr(self, what) or "")
        if not 0 <= self.size < _MOST_BYTES:
            msg = "The event's size is out of range."
            raise BadEvent(msg)
        for what in ("event_time", "last_modified"):
            _check_time(what, getattr(self, what))

    @property
    def path(self) -> str:
        """`container/name`."""
        return f"{self.container}/{self.name}"


def check_text(what: str, text: str) -> None:
    """Raise BadEvent for a text that no blob has, and that cannot be stored."""
    if len(text) > _LONGEST_TEXT:
        msg = f"The event's {what} has {len(text)} characters."
        raise BadEvent(msg)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        msg = f"The event's {what} {text!a:.200} has half of a surrogate pair, which no blob has."
        raise BadEvent(msg) from error


def _check_time(what: str, moment: datetime | None) -> None:
    if moment is None:
        return
    if moment.tzinfo is None:
        msg = f"The event's {what} has no time zone."
        raise BadEvent(msg)
    try:
        moment.astimezone(UTC)
    except OverflowError as error:
        msg = f"The event's {what} {moment.isoformat()} is out of range."
        raise BadEvent(msg) from error


def canonical_etag(etag: str) -> str:
    """Strip quotes and the weak prefix, which some sources add.

    A `HEAD` returns the ETag in quotes, a listing and Event Grid without; proxies may mark it weak.
    """
    return etag.strip().removeprefix("W/").strip('"')


def account_from_url(url: str) -> str:
    """Return the name of the storage account of an endpoint or a blob address.

    `https://acct.blob.core.windows.net`, its `dfs`, `privatelink`, `-secondary` and DNS-zone forms give
    `acct`; emulators have the account in the path (`http://127.0.0.1:10000/devstoreaccount1`).

    Raises:
        BadEvent: The address has no account.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    account = parts.path.lstrip("/").partition("/")[0] if _is_path_style(host) else host.partition(".")[0]
    account = unquote(account).lower().removesuffix("-secondary")
    if not account:
        msg = f"{url_without_query(url)!a} has no storage account."
        raise BadEvent(msg)
    return account


def blob_path_from_url(url: str) -> tuple[str, str]:
    """Split a blob's address into container and name, decoded once.

    Raises:
        BadEvent: The address has no container or no name.
    """
    parts = urlsplit(url)
    segments = parts.path.lstrip("/")
    if _is_path_style((parts.hostname or "").lower()):
        segments = segments.partition("/")[2]
    container, _, name = segments.partition("/")
    if not container or not name:
        msg = f"{url_without_query(url)!a} is not the address of a blob: expected …/container/name."
        raise BadEvent(msg)
    return unquote(container), unquote(name)


def blob_url(endpoint: str, container: str, name: str) -> str:
    """Return the address of a blob below its account's endpoint, with special characters quoted."""
    return f"{url_without_query(endpoint).rstrip('/')}/{quote(container, safe='$')}/{quote(name, safe='/~')}"


def url_without_query(url: str) -> str:
    """Remove the query, where a SAS would be, and the fragment."""
    return url.partition("?")[0].partition("#")[0]


def _is_path_style(host: str) -> bool:
    """Tell whether a host is an emulator's: an IP address or a name without dots."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return True
