"""Where the routes of a TOML text stand: the standard library's parser does not tell."""

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

    A place is a path such as `("route", 0, "conf", "day")`. What stands in an inline table or array is found
    under the key that holds it.
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
    """Give the line of the place, or of the nearest one around it; 1 where there is none."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _blank(silent: re.Match[str]) -> str:
    """Keep the lines and the columns of a text or comment, and nothing else."""
    return re.sub(r"[^\n]", "_", silent[0])


def _parts(key: str) -> list[str]:
    return [key[1:-1]] if key[0] in "\"'" else key.split(".")
