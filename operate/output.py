"""`Output`: values shown to a person as tables, or to a program as JSON, a line for each."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING

import msgspec

from operate.errors import DeskError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_MEASURED = 200
"""Rows of a list whose widths decide the widths of its columns."""

_PATIENCE_SECONDS = 0.5
"""So long the first rows may take: those that came by then decide."""

_WIDEST = 60
_GAP = "  "

type Cells = tuple[str, ...]


class Output:
    """Where a command shows what came of it. Facts go to standard output, everything else to standard error.

    Rich is imported by what draws with it: lists and notes are plain lines, and come a tenth of a second
    earlier.

    Args:
        is_json: Whether a program reads it.
    """

    def __init__(self, *, is_json: bool = False) -> None:
        self.is_json = is_json

    def show[T](self, value: T, render: Callable[[T], "RenderableType"]) -> None:
        """Show one value, at once: the command may go on for long."""
        drawn = None if self.is_json else render(value)
        if drawn is None:
            self._line(value)
        elif isinstance(drawn, str):
            self._text(drawn)
        else:
            _console().print(drawn)

    def lines(self, texts: Iterable[str]) -> None:
        """Show lines as they stand."""
        for text in texts:
            if self.is_json:
                self._line(text)
            else:
                self._text(printable(text))

    def rows[T](self, items: Iterable[T], header: Sequence[str], cells: Callable[[T], Cells]) -> int:
        """Show a list of any length as it comes, and return how long it was.

        The first rows decide how wide the columns are; the last column may be of any length.
        """
        if self.is_json:
            count = 0
            for item in items:
                self._line(item)
                count += 1
            return count
        texts = iter(tuple(printable(text) for text in cells(item)) for item in items)
        first = []
        end = time.monotonic() + _PATIENCE_SECONDS
        for row in islice(texts, _MEASURED):
            first.append(row)
            if time.monotonic() >= end:
                break
        if not first:
            return 0
        columns = zip(header, *first, strict=True)
        widths = [min(_WIDEST, max(map(len, column))) for column in columns]
        widths[-1] = 0
        self._text(self._aligned(tuple(header), widths))
        count = 0
        for row in chain(first, texts):
            self._text(self._aligned(row, widths))
            count += 1
        return count

    def note(self, text: str) -> None:
        """Say something beside the facts."""
        sys.stderr.write(f"{printable(text)}\n")
        sys.stderr.flush()

    def confirm(self, question: str, *, yes: bool) -> None:
        """Go on only if the operator says so.

        Raises:
            DeskError: They do not, or nobody is there to be asked.
        """
        if yes:
            return
        if not sys.stdin.isatty():
            msg = "This changes something, and nobody can be asked: give --yes, or --dry-run first."
            raise DeskError(msg)
        sys.stderr.write(f"{printable(question)} [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            msg = "Nothing was changed."
            raise DeskError(msg)

    @contextmanager
    def telling(self, how_far: Callable[[], str]) -> Iterator[None]:
        """Say how far a work came that ends before its time, whether by Ctrl-C or by an error."""
        try:
            yield
        except (Exception, KeyboardInterrupt):
            self.note(how_far())
            raise

    @contextmanager
    def progress(self, what: str, total: int | None) -> Iterator[Callable[[], None]]:
        """Show how far a command is; yields what to call after each step. Nobody may know the end before."""
        if not sys.stderr.isatty():
            yield lambda: None
            return
        from rich.progress import (  # noqa: PLC0415  (see the class)
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=_console(stderr=True)) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)

    def _line(self, value: object) -> None:
        # ASCII, so that a blob name cannot steer the terminal.
        self._text(json.dumps(msgspec.to_builtins(value, enc_hook=_plain)))

    def _text(self, text: str) -> None:
        # At once: work may go on for long, and what is noted next stands below, also in a file.
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def _aligned(self, row: Cells, widths: Sequence[int]) -> str:
        return _GAP.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _console(*, stderr: bool = False) -> "Console":
    from rich.console import Console  # noqa: PLC0415  (see the class)

    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)


def printable(text: str) -> str:
    """Return a text of others as one line, with what could steer a terminal escaped: line breaks, too."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def age(moment: datetime | None, now: datetime) -> str:
    """Return how long ago something was, as `3d 4h`, `2h 5m` or `12s`; empty for never."""
    return "" if moment is None else span(now - moment)


def span(length: timedelta) -> str:
    """Return a length of time in its two largest units."""
    seconds = max(0, int(length.total_seconds()))
    for unit, size, below, small in (("d", 86_400, "h", 3_600), ("h", 3_600, "m", 60), ("m", 60, "s", 1)):
        if seconds >= size:
            return f"{seconds // size}{unit} {seconds % size // small}{below}"
    return f"{seconds}s"


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
