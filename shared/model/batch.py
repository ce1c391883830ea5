"""`Batch`: the files of one run that a route wants for many: docs/decisions/0065-batches.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urlencode

from shared.model.blob_event import BlobEvent
from shared.model.conf import FACTS


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """One file, as conf names it; `event_time` is for the claim of its version."""

    filename: str
    size: int
    etag: str
    event_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The files of one run, in the order of their events.

    Attributes:
        key: The captures that they have in common.
        part: Which run of the batch it is, from 1: files that are too many for one run become several.
        first: Time of the first file's event.
        last: Time of the last one's.
        files: The files.
    """

    key: Mapping[str, object]
    part: int
    first: datetime
    last: datetime
    files: tuple[BatchFile, ...]

    @classmethod
    def of(cls, events: Sequence[BlobEvent], *, key: Mapping[str, object], part: int) -> "Batch":
        """Return the batch of these versions, in their order."""
        times = [event.event_time for event in events]
        return cls(
            key=dict(key), part=part, first=min(times), last=max(times), files=tuple(map(file_of, events))
        )

    def conf(self, run_conf: Mapping[str, object]) -> dict[str, object]:
        """Return the conf of the run, made from that of the run of its first file."""
        kept = {"route", "container", "traceparent"}
        return {
            **{key: value for key, value in run_conf.items() if key not in FACTS or key in kept},
            "file_count": len(self.files),
            "first_event_time": self.first,
            "last_event_time": self.last,
            "batch_key": dict(self.key),
            "batch_part": self.part,
            "files": list(map(entry_of, self.files)),
        }

    @property
    def note(self) -> str:
        """What Airflow's pages show with the run."""
        moments = [
            moment.astimezone(UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
            for moment in (self.first, self.last)
        ]
        part = f", part {self.part}" if self.part > 1 else ""
        return f"A batch of {len(self.files):,} files{part}, {moments[0]} to {moments[1]}."


def file_of(event: BlobEvent) -> BatchFile:
    """Return the version as a file of a batch."""
    return BatchFile(filename=event.name, size=event.size, etag=event.etag, event_time=event.event_time)


def entry_of(file: BatchFile) -> dict[str, object]:
    """Return what conf has of a file."""
    return {"filename": file.filename, "size": file.size, "etag": file.etag}


def group_of(key: Mapping[str, object]) -> str:
    """Return what the lane of a key is known by; two keys never have the same."""
    return urlencode({name: _text(value) for name, value in key.items()})


def key_in(group: str) -> dict[str, object]:
    """Return the key of a lane, its values as texts."""
    return dict(parse_qsl(group, keep_blank_values=True))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
