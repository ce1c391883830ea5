"""`Batching`: one run for many files: which belong together, and when they are complete."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

MOST_FILES = 1_000
"""In one run, where the route does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batching:
    """What a route says in `batch`.

    Attributes:
        by: The captures that the files of a batch have in common; none for all files of the route.
        quiet: The batch is complete when nothing came for so long,
        at_most: or so long after its first file,
        count: or as soon as so many are there; None for no such number.
        max_files: In one run; more become several.
    """

    by: tuple[str, ...] = ()
    quiet: timedelta = timedelta(minutes=10)
    at_most: timedelta = timedelta(hours=2)
    count: int | None = None
    max_files: int = MOST_FILES

    def key(self, captures: Mapping[str, object]) -> dict[str, object]:
        """Return what the files of a batch have in common."""
        return {name: captures[name] for name in self.by}

    def next_look(self, first: datetime, last: datetime) -> datetime:
        """Return when files that came from the first to the last time are complete, if no more come."""
        return min(last + self.quiet, first + self.at_most)

    def due(self, files: int, first: datetime, last: datetime, now: datetime) -> int:
        """Return how many of the files are complete: all, a multiple of `count`, or none."""
        if now >= self.next_look(first, last):
            return files
        return files - files % self.count if self.count else 0
