"""`Pattern`: a path pattern over `container/blob` with named captures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from shared.routes.dates import layouts_of
from shared.routes.hints import check_dialect, no_container
from shared.routes.matcher import (
    MAX_DIGITS,
    AnyPath,
    Capture,
    Folders,
    InFolder,
    Int,
    Literal,
    Moment,
    Step,
    Subject,
)

MAX_LENGTH = 2_048
MAX_CAPTURES = 32
DEFAULT_DATE_LAYOUT = "yyyy-MM-dd"

_KINDS = "int, date, date:<layout> such as date:yyyyMMdd, or path"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEX = re.compile(
    r"""
      (?P<brace>   \{\{ | \}\} )
    | \{(?P<capture> [^{}]* )\}
    | (?P<folders> (?<![^/]) \*\*/ )
    | (?P<rest>    (?<![^/]) \*\*\Z )
    | (?P<folder>  (?<![^/]) \* (?= / | \Z ) )
    | (?P<star>    (?<!\*) \* (?!\*) )
    | (?P<stars>   \*+ )
    | (?P<stray>   [{}] )
    | (?P<text>    [^{}*]+ )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern; see `compile_pattern`. Case-sensitive, like blob names.

    Attributes:
        text: As written.
        steps: Each step with its capture's name; None where it has none.
    """

    text: str
    steps: tuple[tuple[Step, str | None], ...]

    @cached_property
    def captures(self) -> dict[str, Capture]:
        """The named captures."""
        return {name: step for step, name in self.steps if name and isinstance(step, Capture)}

    @cached_property
    def head(self) -> str:
        """What every match begins with; may be empty."""
        first = self.steps[0][0]
        return first.text if isinstance(first, Literal) else ""

    @cached_property
    def tail(self) -> str:
        """What every match ends with; may be empty."""
        last = self.steps[-1][0]
        return last.text if isinstance(last, Literal) else ""

    @cached_property
    def inner(self) -> str:
        """The longest text between head and tail; may be empty."""
        return max(
            (step.text for step, _ in self.steps[1:-1] if isinstance(step, Literal)), key=len, default=""
        )

    def match(self, subject: Subject) -> dict[str, object] | None:
        """Return the captures' values, None where the pattern does not match the whole text."""
        texts = self.texts(subject)
        if texts is None:
            return None
        return {name: self.captures[name].value(text) for name, text in texts.items()}

    def texts(self, subject: Subject) -> dict[str, str] | None:
        """Return the captures' texts as they stand in the name, None where the pattern does not match."""
        ends = 1
        later = []
        for step, _ in reversed(self.steps):
            later.append(ends)
            ends = step.starts(subject, ends)
            if not ends:
                return None
        if not ends >> subject.size & 1:
            return None
        values: dict[str, str] = {}
        start = subject.size
        for step, name in self.steps:
            end = step.end(subject, start, later.pop())
            if name is not None:
                values[name] = subject.text[subject.size - start : subject.size - end]
            start = end
        return values

    def why_not(self, subject: Subject) -> str:
        """Explain why the pattern does not match the text."""
        text = subject.text
        if not text.startswith(self.head):
            if text.casefold().startswith(self.head.casefold()):
                return f"it begins with {self.head!r} in other letter case"
            return f"it does not begin with {self.head!r}"
        if not text.endswith(self.tail):
            return f"it does not end with {self.tail!r}"
        if (names := self._fits(subject, across=True, typed=True)) is not None:
            return f"a capture stays in one folder; write {{{names or 'name'}:path}} (or **) to cross folders"
        if self._fits(subject, across=True, typed=False) is not None:
            return self._wrong_type(subject)
        return "its folders and fixed texts differ"

    def _wrong_type(self, subject: Subject) -> str:
        """Name the first typed capture that cannot have what stands in its place."""
        loose = [(AnyPath() if name else step, name) for step, name in self.steps]
        values = Pattern(self.text, tuple(loose)).match(subject) or {}
        for name, step in self.captures.items():
            value = str(values.get(name, ""))
            if isinstance(step, Int) and not step.fits(value):
                return f"{{{name}:int}} cannot be {value!a}: it takes 1 to {MAX_DIGITS} digits"
            if isinstance(step, Moment) and not step.fits(value):
                return f"{{{name}:date}} cannot be {value!a}: another layout, or a day that no calendar has"
        return "a typed capture does not match: int takes digits only, a date its exact layout"

    def _fits(self, subject: Subject, *, across: bool, typed: bool) -> str | None:
        """Try a looser pattern; return the name of its first loosened capture, None if it does not match."""
        loosened = []
        for step, name in self.steps:
            loose = (across and isinstance(step, InFolder)) or (not typed and isinstance(step, Int | Moment))
            loosened.append((AnyPath() if loose else step, name))
        if Pattern(self.text, tuple(loosened)).match(subject) is None:
            return None
        return next((name for step, name in self.steps if isinstance(step, InFolder) and name), "")


def compile_pattern(text: str) -> Pattern:
    """Read a pattern; docs/routes.md describes what it may hold.

    Raises:
        ValueError: What is wrong with it and what to write instead.
    """
    if len(text) > MAX_LENGTH:
        msg = f"has {len(text)} characters; the limit is {MAX_LENGTH}"
        raise ValueError(msg)
    check_dialect(text, compile_pattern)
    if "\\" in text or "//" in text or text.startswith("/"):
        msg = (
            "must be a path such as container/folder/{name}, without \\, without // and without a / in front"
        )
        raise ValueError(msg)
    if text.endswith("/"):
        msg = "ends with /; add {name} for its files, or ** for all below"
        raise ValueError(msg)
    steps: list[tuple[Step, str | None]] = []
    literal = ""
    for token in _LEX.finditer(text):
        if token.lastgroup in {"text", "brace"}:
            literal += token[0][0] if token["brace"] else token[0]
            continue
        if literal:
            steps.append((Literal(literal), None))
            literal = ""
        steps.append(_capture(token["capture"]) if token["capture"] is not None else (_wildcard(token), None))
    if literal:
        steps.append((Literal(literal), None))
    _check(text, steps)
    return Pattern(text, tuple(steps))


def _capture(spec: str) -> tuple[Step, str]:
    name, colon, kind = spec.partition(":")
    kind, _, layout = kind.partition(":")
    if not _NAME.fullmatch(name):
        msg = f"has {{{spec}}}: a name must consist of letters, digits and _, and not begin with a digit"
        raise ValueError(msg)
    if layout and kind != "date":
        msg = f"has {{{spec}}}: only a date has a layout"
        raise ValueError(msg)
    if not colon:
        return InFolder(1), name
    match kind:
        case "int":
            return Int(), name
        case "path":
            return AnyPath(), name
        case "date":
            return Moment(layouts_of(layout or DEFAULT_DATE_LAYOUT)), name
        case _:
            msg = f"has {{{spec}}}: {kind!a} is not a type of a capture; use {_KINDS}"
            raise ValueError(msg)


def _wildcard(token: re.Match[str]) -> Step:
    match token.lastgroup:
        case "folders":
            return Folders()
        case "rest":
            return AnyPath()
        case "folder":
            return InFolder(1)
        case "star":
            return InFolder(0)
        case "stars":
            msg = f"has {token[0]} inside a name: ** stands for whole folders, as in a/**/b or a/**; use *"
            raise ValueError(msg)
        case _:
            msg = f"has an unmatched {token[0]}; write {{{{ or }}}} for the character"
            raise ValueError(msg)


def _check(text: str, steps: Sequence[tuple[Step, str | None]]) -> None:
    names = [name for _, name in steps if name is not None]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        msg = f"names the capture {{{twice[0]}}} twice; give each capture its own name"
        raise ValueError(msg)
    if len(steps) - sum(isinstance(step, Literal) for step, _ in steps) > MAX_CAPTURES:
        msg = f"has more than {MAX_CAPTURES} captures and stars"
        raise ValueError(msg)
    if not any("/" in getattr(step, "text", "") or isinstance(step, AnyPath | Folders) for step, _ in steps):
        raise ValueError(no_container(text))
    for (first, _), (second, _) in pairwise(steps):
        if not any(isinstance(step, Literal | Moment | Folders) for step in (first, second)):
            msg = "has two captures or stars side by side: put the text between them that separates them"
            raise ValueError(msg)
