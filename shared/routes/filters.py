"""`Filters`: the conditions of a route beside the path."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.model.blob_event import BlobEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Conditions that must all hold; the names are the keys in routes.toml.

    A fact that the event does not have yet refuses nothing: see `needs_head`.

    Attributes:
        min_size: Fewest bytes.
        max_size: Most bytes.
        content_type: One of these, without parameters, in any case; a final `*` matches the rest.
        suffix: The name ends with one of these, exactly.
        metadata: Each key is there, in any case, with this value; `True` is any value.
        ignore_empty: Refuse blobs of 0 bytes.
    """

    min_size: int = 0
    max_size: int | None = None
    content_type: tuple[str, ...] = ()
    suffix: tuple[str, ...] = ()
    metadata: Mapping[str, str | bool] = field(default_factory=dict)
    ignore_empty: bool = False

    def refusal(self, event: BlobEvent) -> str | None:
        """Return the key of the first condition that does not hold."""
        holds = {
            "ignore_empty": not self.ignore_empty or event.size > 0,
            "min_size": event.size >= self.min_size,
            "max_size": self.max_size is None or event.size <= self.max_size,
            "suffix": not self.suffix or event.name.endswith(self.suffix),
            "content_type": not self.content_type
            or event.content_type is None
            or self._has_type(event.content_type),
            "metadata": not self.metadata or not is_headed(event) or self._has_metadata(event),
        }
        return next((key for key, held in holds.items() if not held), None)

    def needs_head(self, event: BlobEvent) -> bool:
        """Tell whether a condition needs a fact that only a `HEAD` provides."""
        return bool(self.metadata) or (bool(self.content_type) and event.content_type is None)

    def _has_type(self, content_type: str) -> bool:
        actual = content_type.partition(";")[0].strip().lower()
        return any(
            actual.startswith(wanted[:-1]) if wanted.endswith("*") else actual == wanted
            for wanted in map(str.lower, self.content_type)
        )

    def _has_metadata(self, event: BlobEvent) -> bool:
        actual = {key.lower(): value for key, value in event.metadata.items()}
        return all(
            key.lower() in actual and wanted in (True, actual[key.lower()])
            for key, wanted in self.metadata.items()
        )


def is_headed(event: BlobEvent) -> bool:
    """Tell whether the event's facts include those of a `HEAD`: only then it has a `last_modified`."""
    return event.last_modified is not None
