"""`layouts_of`: the layout of a date capture, such as `yyyy/MM/dd` or `year=yyyy/month=M`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise, product

_TOKENS = {"yyyy": 4, "MM": 2, "dd": 2, "HH": 2, "mm": 2, "ss": 2}
_UNPADDED = {"M": "MM", "d": "dd", "H": "HH"}
_EXAMPLE = {"yyyy": "2026", "MM": "11", "dd": "20", "HH": "05", "mm": "30", "ss": "59"}
_TOKEN = re.compile(
    # A single letter counts only where no other one is beside it: `day=d` has one.
    f"({'|'.join(_TOKENS)}|(?<![A-Za-z])[{''.join(_UNPADDED)}](?![A-Za-z]))"
)


@dataclass(frozen=True, slots=True)
class FixedLayout:
    """A layout in which each number has a fixed count of digits.

    Attributes:
        regex: Finds it, overlapping ones included, as a lookahead.
        width: Characters of each text that it fits.
        example: One of these texts.
        is_day: Whether it has no hour.
    """

    regex: re.Pattern[str]
    width: int
    example: str
    is_day: bool

    def read(self, hit: re.Match[str]) -> date | datetime | None:
        """Return the moment; None for one that no calendar has."""
        numbers = {"MM": "1", "dd": "1"} | hit.groupdict()
        try:
            moment = datetime(*(int(numbers.get(token, "0")) for token in _TOKENS), tzinfo=UTC)  # type: ignore[arg-type,misc]
        except ValueError:
            return None
        return moment.date() if self.is_day else moment


def layouts_of(layout: str) -> tuple[FixedLayout, ...]:
    """Read a layout of `yyyy`, `MM`, `dd`, `HH`, `mm`, `ss` and any other characters as they are.

    `M`, `d` and `H` stand for one digit or two: each is one layout more.

    Raises:
        ValueError: What is wrong with the layout.
    """
    parts = _TOKEN.split(layout)  # a fixed text, a token, a fixed text, …
    found = [_UNPADDED.get(token, token) for token in parts[1::2]]
    expected = list(_TOKENS)[: len(found)]
    if _is_cut(parts) or not found or sorted(found) != sorted(expected):
        msg = (
            f"has the date layout {layout!a}, which needs yyyy, then may have MM, dd, HH, mm, ss"
            " (or M, d, H without the zero in front): each once, none without those before it;"
            " names of months and years of two digits cannot be read"
        )
        raise ValueError(msg)
    choices = [(1, 2) if token in _UNPADDED else (_TOKENS[token],) for token in parts[1::2]]
    return tuple(_fixed(parts, found, digits) for digits in product(*choices))


def _is_cut(parts: list[str]) -> bool:
    """Tell whether a letter of a token goes on beside it, as in `MMM`."""
    return any(left[-1:] == right[:1] and left[-1:] != "" for left, right in pairwise(parts))


def _fixed(parts: list[str], tokens: list[str], digits: tuple[int, ...]) -> FixedLayout:
    regex = "".join(_pieces(parts, tokens, digits))
    width = sum(map(len, parts[::2])) + sum(digits)
    numbers = (f"{_EXAMPLE[token] if count > 1 else 7}" for token, count in zip(tokens, digits, strict=True))
    example = "".join(text + number for text, number in zip(parts[::2], [*numbers, ""], strict=True))
    return FixedLayout(re.compile(f"(?={regex})"), width, example, is_day="HH" not in tokens)


def _pieces(parts: list[str], tokens: list[str], digits: tuple[int, ...]) -> Iterator[str]:
    for text, token, count in zip(parts[::2], tokens, digits, strict=False):
        yield f"{re.escape(text)}(?P<{token}>[0-9]{{{count}}})"
    yield re.escape(parts[-1])
