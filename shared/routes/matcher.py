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
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Protocol

MAX_DIGITS = 18
"""Of an `int` capture, so that the number fits into 64 bits everywhere."""

_DIGITS = re.compile(f"[0-9]{{1,{MAX_DIGITS}}}")
_TOKENS = {"yyyy": 4, "MM": 2, "dd": 2, "HH": 2, "mm": 2, "ss": 2}
_TOKEN = re.compile("(" + "|".join(_TOKENS) + ")")


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

    def moments(self, moment: "Moment") -> int:
        """Return the places directly before each text that is such a moment, overlapping ones included."""
        return self._marked(moment, self._find_moments, moment)

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

    def _find_moments(self, moment: "Moment") -> Iterator[int]:
        for hit in moment.regex.finditer(self.text):
            if moment.read(hit) is not None:
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

    def value(self, text: str) -> object:
        """Return the text as it is."""
        return text


@dataclass(frozen=True, slots=True)
class AnyPath:
    """One or more characters of any kind: `{name:path}` and a last `**`."""

    def starts(self, subject: Subject, ends: int) -> int:
        """See `Step`."""
        lowest = ends & -ends
        return (1 << (subject.size + 1)) - (lowest << 1) if lowest >> subject.size == 0 else 0

    def end(self, _subject: Subject, _start: int, ends: int) -> int:
        """See `Step`."""
        return _farthest(ends, 0)

    def value(self, text: str) -> object:
        """Return the text as it is."""
        return text


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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

    def value(self, text: str) -> object:
        """Return the number."""
        return int(text)


@dataclass(frozen=True, slots=True)
class Moment:
    """A calendar day, or with `HH` a moment in UTC, in a fixed format: `{d:date:yyyy/MM/dd}`."""

    regex: re.Pattern[str]
    width: int
    is_day: bool

    @classmethod
    def of(cls, layout: str) -> "Moment":
        """Read a layout of `yyyy`, `MM`, `dd`, `HH`, `mm`, `ss` and any other characters as they are.

        Raises:
            ValueError: What is wrong with the layout.
        """
        found = _TOKEN.findall(layout)
        expected = list(_TOKENS)[: len(found)]
        if not found or sorted(found) != sorted(expected):
            msg = (
                f"has the date layout {layout!a}, which needs yyyy, then may have MM, dd, HH, mm, ss:"
                " each once, none without those before it"
            )
            raise ValueError(msg)
        regex = "".join(
            f"(?P<{text}>[0-9]{{{_TOKENS[text]}}})" if text in _TOKENS else re.escape(text)
            for text in _TOKEN.split(layout)
        )
        # A lookahead finds overlapping ones too, in one pass.
        return cls(re.compile(f"(?={regex})"), len(layout), is_day="HH" not in found)

    def starts(self, subject: Subject, ends: int) -> int:
        """See `Step`."""
        return (ends << self.width) & subject.moments(self)

    def end(self, _subject: Subject, start: int, _ends: int) -> int:
        """See `Step`."""
        return start - self.width

    def value(self, text: str) -> object:
        """Return the day or the moment."""
        hit = self.regex.match(text)
        return hit and self.read(hit)

    def read(self, hit: re.Match[str]) -> date | datetime | None:
        """Return the moment; None for one that no calendar has."""
        numbers = {"MM": "1", "dd": "1"} | hit.groupdict()
        try:
            moment = datetime(*(int(numbers.get(token, "0")) for token in _TOKENS), tzinfo=UTC)  # type: ignore[arg-type,misc]
        except ValueError:
            return None
        return moment.date() if self.is_day else moment


Capture = InFolder | AnyPath | Int | Moment
"""A step that can have a name: its `value` is what a template inserts."""


def _farthest(ends: int, limit: int) -> int:
    """Return the lowest bit from `limit` on: the end that is farthest to the right."""
    ends >>= limit
    return (ends & -ends).bit_length() - 1 + limit
