"""`Blobs`: events of blobs that people name, by a path or an address."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.model.blob_event import BlobEvent, account_from_url, blob_path_from_url, blob_url
from shared.model.errors import BadEvent

MADE_UP = "made-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blobs:
    """Makes events; what is not known is made up.

    Attributes:
        now: The time of the events.
        account: Of paths, and of addresses where it is given.
        etag: Of the blobs.
        content_type: Of the blobs.
        blob_type: Of the blobs.
        copy_status: Of the blobs.
        metadata: Of the blobs.
    """

    now: datetime
    account: str | None = None
    etag: str = MADE_UP
    content_type: str | None = None
    blob_type: str | None = "BlockBlob"
    copy_status: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def event(self, text: str, *, size: int = 1) -> BlobEvent:
        """Return the event of a blob, of which a SAS is no part.

        Raises:
            BadEvent: The text names no blob.
        """
        if "://" in text:
            account, (container, name) = account_from_url(text), blob_path_from_url(text)
        else:
            account = MADE_UP
            container, _, name = text.partition("/")
        if not container or not name:
            msg = f"{text!a} names no blob: expected container/name, or the address of a blob"
            raise BadEvent(msg)
        account = self.account or account
        return BlobEvent(
            account=account,
            container=container,
            name=name,
            etag=self.etag.strip('"'),
            size=size,
            event_time=self.now,
            url=blob_url(f"https://{account}.blob.core.windows.net", container, name),
            content_type=self.content_type,
            blob_type=self.blob_type,
            copy_status=self.copy_status,
            metadata=self.metadata,
            # Only a HEAD provides these, and with it comes `last_modified`.
            last_modified=self.now if self.metadata or self.copy_status else None,
        )

    def read(self, lines: Iterable[str], *, container: str = "", size: int = 1) -> Iterator[BlobEvent]:
        """Return the events of lines, each a blob with its size behind a tab or without.

        Args:
            lines: As `az storage blob list` gives them; empty ones are passed over.
            container: Of the names; empty where each line has one.
            size: Of lines without one.

        Raises:
            BadEvent: A line names no blob.
        """
        for line in lines:
            name, _, length = line.rstrip("\r\n").partition("\t")
            if name:
                path = f"{container}/{name}" if container else name
                yield self.event(path, size=int(length) if length.isdecimal() else size)
