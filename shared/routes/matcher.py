"""`Subject` and the steps of a compiled path pattern: a matcher that never goes back.

A set of places in the text is one integer. Bit `r` is the place `r` characters before the end, so steps that
are applied from the last to the first move to higher bits, and an addition carries through a whole run of
characters (`MatchStar` of Cameron et al., "Bitwise data parallelism in regular expression matching", 2014).
The work is (length of the name) x (number of steps), whatever the name and the pattern are.

Among several ways to match, each step from the left takes as much as it can, as `{name}` of a binding does.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from shared.routes.dates import FixedLayout

MAX_DIGITS = 20
"""Of an `int` capture: the version of a Delta Lake table has so many, and the number fits 64 bits there."""

_DIGITS = re.compile(f"[0-9]{{1,{MAX_DIGITS}}}")


class Subject:
    """A text to match, `container/name`, with what several patterns need of it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.size = len(text)
        self._marks: dict[object, int] = {}

    @cached_property
    def slashes(self) -> int:
        """The places directly after a `/`."""
        return self.occurrences("/")

    @cached_property
    def others(self) -> int:
        """The places directly after any other character."""
        return self.slashes ^ ((1 << self.size) - 1)

    @cached_property
    def digits(self) -> int:
        """The places directly after an ASCII digit."""
        mask = 0
        for run in re.finditer("[0-9]+", self.text):
            mask |= ((1 << (run.end() - run.start())) - 1) << (self.size - run.end())
        return mask

    def occurrences(self, literal: str) -> int:
        """Return the places directly after each occurrence, overlapping ones included."""
        return self._marked(literal, self._find, literal)

    def moments(self, layout: FixedLayout) -> int:
        """Return the places directly before each text that is such a moment, overlapping ones included."""
        return self._marked(layout, self._find_moments, layout)

    def _marked[T](self, key: object, find: Callable[[T], Iterable[int]], what: T) -> int:
        """Search each text once, however many steps need it."""
        if key not in self._marks:
            self._marks[key] = sum(1 << place for place in find(what))
        return self._marks[key]

    def _find(self, literal: str) -> Iterator[int]:
        found = self.text.find(literal)
        while found >= 0:
            yield self.size - found - len(literal)
            found = self.text.find(literal, found + 1)

    def _find_moments(self, layout: FixedLayout) -> Iterator[int]:
        for hit in layout.regex.finditer(self.text):
            if layout.read(hit) is not None:
                yield self.size - hit.start()


class Step(Protocol):
    """One step of a pattern."""

    def starts(self, subject: Subject, ends: int) -> int:
        """Return the places from which this step reaches one of `ends`."""

    def end(self, subject: Subject, start: int, ends: int) -> int:
        """Return the last of `ends` that this step reaches from `start`, one of its `starts`."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Exactly this text."""

    text: str

    def starts(self, subject: Subject, ends: int) -> int:
        """See `Step`."""
        return (ends & subject.occurrences(self.text)) << len(self.text)

    def end(self, _subject: Subject, start: int, _ends: int) -> int:
        """See `Step`."""
        return start - len(self.text)


@dataclass(frozen=True, slots=True)
class InFolder:
    """Any characters but `/`, at least `least` (0 or 1) of them: `{name}` and `*`."""

    least: int

    def starts(self, subject: Subject, ends: int) -> int:
        """See `Step`."""
        marks, others = (ends & subject.others) << 1 if self.least else ends, subject.others
        return (((marks & others) + others) ^ others) | marks

    def end(self, subject: Subject, start: int, ends: int) -> int:
        """See `Step`."""
        slash = subject.text.find("/", subject.size - start)
        return _farthest(ends, 0 if slash < 0 else subject.size - slash)

    def fits(self, text: str) -> bool:
        """Tell whether it may stand for this text."""
        return len(text) >= self.least and "/" not in text

    def value(self, text: str) -> object:
        """Return the text as it is."""
        return text


class AnyPath:
    """One or more characters of any kind: `{name:path}` and a last `**`."""

    def starts(self, subject: Subject, ends: int) -> int:
        """See `Step`."""
        lowest = ends & -ends
        return (1 << (subject.size + 1)) - (lowest << 1) if lowest >> subject.size == 0 else 0

    def end(self, _subject: Subject, _start: int, ends: int) -> int:
        """See `Step`."""
        return _farthest(ends, 0)

    def fits(self, text: str) -> bool:
        """Tell whether it may stand for this text."""
        return bool(text)

    def value(self, text: str) -> object:
        """Return the text as it is."""
        return text


class Folders:
    """Zero or more whole folders with the `/` behind each: `**/`."""

    def starts(self, subject: Subject, ends: int) -> int:
        """See `Step`."""
        behind = ends & subject.slashes
        return ends | AnyPath().starts(subject, behind) if behind else ends

    def end(self, subject: Subject, start: int, ends: int) -> int:
        """See `Step`."""
        behind = ends & subject.slashes
        return min(start, _farthest(behind, 0)) if behind else start


class Int:
    """A whole number of ASCII digits, leading zeros allowed: `{n:int}`."""

    def starts(self, subject: Subject, ends: int) -> int:
        """See `Step`."""
        found = 0
        for _ in range(MAX_DIGITS):
            ends = (ends & subject.digits) << 1
            found |= ends
        return found

    def end(self, subject: Subject, start: int, ends: int) -> int:
        """See `Step`."""
        run = _DIGITS.match(subject.text, subject.size - start)
        return _farthest(ends, subject.size - run.end() if run else start)

    def fits(self, text: str) -> bool:
        """Tell whether it may stand for this text."""
        return bool(_DIGITS.fullmatch(text))

    def value(self, text: str) -> object:
        """Return the number."""
        return int(text)


@dataclass(frozen=True, slots=True)
class Moment:
    """A calendar day, or with `HH` a moment in UTC: `{d:date:yyyy/MM/dd}`; see `layouts_of`."""

    layouts: tuple[FixedLayout, ...]

    @property
    def example(self) -> str:
        """A text that it fits."""
        return self.layouts[-1].example

    def starts(self, subject: Subject, ends: int) -> int:
        """See `Step`."""
        found = 0
        for layout in self.layouts:
            found |= (ends << layout.width) & subject.moments(layout)
        return found

    def end(self, subject: Subject, start: int, ends: int) -> int:
        """See `Step`."""
        here = 1 << start
        return min(
            start - layout.width
            for layout in self.layouts
            if subject.moments(layout) & here and layout.width <= start and ends >> start - layout.width & 1
        )

    def fits(self, text: str) -> bool:
        """Tell whether it may stand for this text."""
        return self.value(text) is not None

    def value(self, text: str) -> object:
        """Return the day or the moment; None for a text that is none."""
        for layout in self.layouts:
            hit = layout.regex.match(text) if layout.width == len(text) else None
            if hit and (moment := layout.read(hit)):
                return moment
        return None


Capture = InFolder | AnyPath | Int | Moment
"""A step that can have a name: its `value` is what a template inserts."""


def _farthest(ends: int, limit: int) -> int:
    """Return the lowest bit from `limit` on: the end that is farthest to the right."""
    ends >>= limit
    return (ends & -ends).bit_length() - 1 + limit
