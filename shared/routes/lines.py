"""`line_numbers`: the lines of the keys in a TOML text; the standard library's parser has none."""

import re

_SILENT = re.compile(
    r'''
      """(?: \\. | [^\\] )*? "{3,5}
    | '{3} .*? '{3,5}
    | " (?: \\. | [^"\\\n] )* "
    | ' [^'\n]* '
    | \# [^\n]*
    ''',
    re.DOTALL | re.VERBOSE,
)
_HEADER = re.compile(r"\s*\[(\[)?\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*=")  # also a quoted key, which is blanked to _

type Path = tuple[str | int, ...]


def line_numbers(text: str) -> dict[Path, int]:
    """Map the places in a valid TOML text to line numbers from 1.

    A place is a path such as `("route", 0, "conf", "day")`. The content of an inline table or array has the
    place of the key that holds it.
    """
    lines: dict[Path, int] = {}
    counts: dict[str, int] = {}
    table: Path = ()
    depth = 0
    plain = _SILENT.sub(_blank, text).split("\n")
    for number, (line, original) in enumerate(zip(plain, text.split("\n"), strict=True), start=1):
        header = _HEADER.match(line) if not depth else None
        if header:
            first, *rest = (part.strip() for part in header[2].split("."))
            if header[1] and not rest:
                counts[first] = counts.get(first, -1) + 1
            table = (first, *([counts[first]] if first in counts else []), *rest)
            lines.setdefault(table, number)
            continue
        if not depth and (key := _KEY.match(line)):
            parts = _parts(original[key.start(1) : key.end(1)])
            for end in range(1, len(parts) + 1):
                lines.setdefault((*table, *parts[:end]), number)
        depth += sum(line.count(mark) for mark in "[{") - sum(line.count(mark) for mark in "]}")
    return lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """Return the line of the place, or of the nearest one around it; 1 where there is none."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _blank(silent: re.Match[str]) -> str:
    """Replace a string or comment by as many characters, so that lines and columns stay."""
    return re.sub(r"[^\n]", "_", silent[0])


def _parts(key: str) -> list[str]:
    return [key[1:-1]] if key[0] in "\"'" else key.split(".")
