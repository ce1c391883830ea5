"""`Pattern`: a path pattern over `container/blob` with named parts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from shared.routes.pieces import AnyPath, Folders, InFolder, Int, Literal, Moment, Part, Piece, Subject

MAX_LENGTH = 2_048
MAX_PARTS = 32
DEFAULT_DATE_LAYOUT = "yyyy-MM-dd"

_KINDS = "int, date, date:<layout> such as date:yyyyMMdd, or path"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEX = re.compile(
    r"""
      (?P<brace>   \{\{ | \}\} )
    | \{(?P<part> [^{}]* )\}
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
    """A compiled pattern; `compile_pattern` makes it. Case-sensitive, as blob names are.

    Attributes:
        text: As written.
        pieces: Each piece with its part's name; None where it has none.
    """

    text: str
    pieces: tuple[tuple[Piece, str | None], ...]

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The named parts."""
        return {name: piece for piece, name in self.pieces if name and isinstance(piece, Part)}

    @cached_property
    def head(self) -> str:
        """What every match begins with; may be empty."""
        first = self.pieces[0][0]
        return first.text if isinstance(first, Literal) else ""

    @cached_property
    def tail(self) -> str:
        """What every match ends with; may be empty."""
        last = self.pieces[-1][0]
        return last.text if isinstance(last, Literal) else ""

    @cached_property
    def inner(self) -> str:
        """The longest text between head and tail; may be empty."""
        return max(
            (piece.text for piece, _ in self.pieces[1:-1] if isinstance(piece, Literal)), key=len, default=""
        )

    def match(self, subject: Subject) -> dict[str, object] | None:
        """Give the parts' values, None where the pattern does not match the whole text."""
        ends = 1
        later = []
        for piece, _ in reversed(self.pieces):
            later.append(ends)
            ends = piece.starts(subject, ends)
            if not ends:
                return None
        if not ends >> subject.size & 1:
            return None
        values: dict[str, object] = {}
        start = subject.size
        for piece, name in self.pieces:
            end = piece.end(subject, start, later.pop())
            if name is not None:
                values[name] = self.parts[name].value(subject.text[subject.size - start : subject.size - end])
            start = end
        return values

    def why_not(self, subject: Subject) -> str:
        """Say for people why the pattern does not match the text."""
        text = subject.text
        if not text.startswith(self.head):
            if text.casefold().startswith(self.head.casefold()):
                return f"it begins with {self.head!r} in other upper and lower case letters"
            return f"it does not begin with {self.head!r}"
        if not text.endswith(self.tail):
            return f"it does not end with {self.tail!r}"
        if (names := self._fits(subject, across=True, typed=True)) is not None:
            return (
                f"a part stays inside one folder; write {{{names or 'name'}:path}} (or **) to cross folders"
            )
        if self._fits(subject, across=True, typed=False) is not None:
            return "a part with a type does not fit: int is digits alone, a date has its exact layout"
        return "its folders and fixed texts differ"

    def _fits(self, subject: Subject, *, across: bool, typed: bool) -> str | None:
        """Try a looser pattern; give the name of its first loosened part."""
        loosened = []
        for piece, name in self.pieces:
            loose = (across and isinstance(piece, InFolder)) or (
                not typed and isinstance(piece, Int | Moment)
            )
            loosened.append((AnyPath() if loose else piece, name))
        if Pattern(self.text, tuple(loosened)).match(subject) is None:
            return None
        return next((name for piece, name in self.pieces if isinstance(piece, InFolder) and name), "")


def compile_pattern(text: str) -> Pattern:
    """Read a pattern; docs/routes.md describes what it may hold.

    Raises:
        ValueError: What is wrong with it and what to write instead.
    """
    if len(text) > MAX_LENGTH:
        msg = f"has {len(text)} characters; the limit is {MAX_LENGTH}"
        raise ValueError(msg)
    if "\\" in text or "//" in text or text.startswith("/"):
        msg = "is no path: write container/folder/{name}, without \\, without // and without / in front"
        raise ValueError(msg)
    if text.endswith("/"):
        msg = "ends with /; add {name} for its files, or ** for all below"
        raise ValueError(msg)
    pieces: list[tuple[Piece, str | None]] = []
    literal = ""
    for token in _LEX.finditer(text):
        if token.lastgroup in {"text", "brace"}:
            literal += token[0][0] if token["brace"] else token[0]
            continue
        if literal:
            pieces.append((Literal(literal), None))
            literal = ""
        pieces.append(_part(token["part"]) if token["part"] is not None else (_wildcard(token), None))
    if literal:
        pieces.append((Literal(literal), None))
    _check(text, pieces)
    return Pattern(text, tuple(pieces))


def _part(spec: str) -> tuple[Piece, str]:
    name, colon, kind = spec.partition(":")
    kind, _, layout = kind.partition(":")
    if not _NAME.fullmatch(name):
        msg = f"has {{{spec}}}: a part's name has letters, digits and _ alone and begins with no digit"
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
            return Moment.of(layout or DEFAULT_DATE_LAYOUT), name
        case _:
            msg = f"has {{{spec}}}: {kind!a} is no type of a part; use {_KINDS}"
            raise ValueError(msg)


def _wildcard(token: re.Match[str]) -> Piece:
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
            msg = f"has a {token[0]} without its partner; write {{{{ or }}}} for the character"
            raise ValueError(msg)


def _check(text: str, pieces: Sequence[tuple[Piece, str | None]]) -> None:
    names = [name for _, name in pieces if name is not None]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        msg = f"names the part {{{twice[0]}}} twice; give each part its own name"
        raise ValueError(msg)
    if len(pieces) - sum(isinstance(piece, Literal) for piece, _ in pieces) > MAX_PARTS:
        msg = f"has more than {MAX_PARTS} parts and stars"
        raise ValueError(msg)
    if not any(
        "/" in getattr(piece, "text", "") or isinstance(piece, AnyPath | Folders) for piece, _ in pieces
    ):
        msg = f"names a container alone; write {text}/{{name}}, or {text}/** for all below"
        raise ValueError(msg)
    for (first, _), (second, _) in pairwise(pieces):
        if not any(isinstance(piece, Literal | Moment | Folders) for piece in (first, second)):
            msg = "has two parts or stars side by side: put the text between them that parts them"
            raise ValueError(msg)
