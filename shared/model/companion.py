"""`Companion`: a blob that another one needed before its run could start, such as its `.done` file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.model.blob_event import BlobEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """What conf tells of it.

    Attributes:
        container: Of the blob.
        filename: Its name in the container.
        size: Bytes.
        etag: Without quotes.
        url: Without a query.
        last_modified: As stored.
    """

    container: str
    filename: str
    size: int
    etag: str
    url: str
    last_modified: datetime

    @classmethod
    def of(cls, event: BlobEvent) -> "Companion":
        """Return the companion that was looked at."""
        return cls(
            container=event.container,
            filename=event.name,
            size=event.size,
            etag=event.etag,
            url=event.url,
            last_modified=event.last_modified or event.event_time,
        )


def conf_of(companions: Sequence[Companion]) -> list[dict[str, object]]:
    """Return what conf has of them, in the order of the route's `requires`."""
    return [{name: getattr(each, name) for name in Companion.__slots__} for each in companions]


def counts_for(companion: Companion, event: BlobEvent) -> bool:
    """Tell whether a companion is that of this version: one that is older is that of an earlier version.

    Storage tells `Last-Modified` in seconds, an event its own time more finely.
    """
    written = event.last_modified or event.event_time
    return companion.last_modified >= written.replace(microsecond=0)
