"""`differences`: which of the files that are really there other routes would send elsewhere."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

import msgspec
from azure.storage.blob import BlobProperties

from operate.desk import Desk
from shared.model.blob_event import BlobEvent, account_from_url, blob_url, canonical_etag
from shared.routes.summary import what_starts
from shared.routes.table import RouteTable


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What changes in the same way for some files.

    Attributes:
        before: What they start now.
        after: What they would start.
        count: How many files.
        example: One of them.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    count: int
    example: str


def differences(
    old: tuple[RouteTable, Collection[str]],
    new: tuple[RouteTable, Collection[str]],
    events: Iterable[BlobEvent],
) -> tuple[int, list[Difference]]:
    """Return how many files there are and what changes, the most frequent first.

    Args:
        old: Routes, and the containers that are watched with them.
        new: The same.
        events: Of the files.
    """
    counts: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    files = 0
    for event in events:
        files += 1
        before = what_starts(old[0], event, watched=old[1])
        after = what_starts(new[0], event, watched=new[1])
        if before != after:
            counts.setdefault((before, after), []).append(event.path)
    found = [
        Difference(before=before, after=after, count=len(paths), example=paths[0])
        for (before, after), paths in counts.items()
    ]
    return files, sorted(found, key=lambda each: -each.count)


def files_there(
    desk: Desk, containers: Iterable[str], *, prefix: str = "", since: datetime | None = None
) -> Iterator[BlobEvent]:
    """List the files of the landing account as events, without a call for each.

    Args:
        desk: Which app.
        containers: Whose files.
        prefix: Beginning of `container/name`.
        since: Only those that were modified since then.
    """
    account = desk.landing.blobs
    for container in containers:
        wanted, _, name = prefix.partition("/")
        if prefix and (wanted != container if "/" in prefix else not container.startswith(prefix)):
            continue
        listed = account.get_container_client(container).list_blobs(
            name_starts_with=name or None, include=["metadata", "copy"]
        )
        for blob in listed:
            if blob.last_modified and (since is None or blob.last_modified >= since):
                yield _event(account.url, container, blob)


def _event(endpoint: str, container: str, blob: BlobProperties) -> BlobEvent:
    return BlobEvent(
        account=account_from_url(endpoint),
        container=container,
        name=blob.name,
        etag=canonical_etag(blob.etag or ""),
        size=blob.size or 0,
        event_time=blob.last_modified,
        url=blob_url(endpoint, container, blob.name),
        content_type=blob.content_settings.content_type,
        last_modified=blob.last_modified,
        blob_type=getattr(blob.blob_type, "value", blob.blob_type),
        access_tier=blob.blob_tier,
        copy_status=blob.copy.status,
        metadata=blob.metadata or {},
    )
