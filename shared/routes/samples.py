"""`sample_paths`: made-up paths that a pattern fits, to find out whether another one fits all of them."""

from collections.abc import Iterator, Sequence

from shared.routes.matcher import AnyPath, Folders, InFolder, Int, Literal, Moment, Step
from shared.routes.pattern import Pattern

_FILLERS = ("zq7", "Kx.9-w", "0")
"""Texts that no pattern has by chance, and one that a number may be."""


def sample_paths(pattern: Pattern) -> list[str]:
    """Return different paths that the pattern fits: short and long ones, deep and flat ones."""
    steps = [step for step, _ in pattern.steps]
    paths = {"".join(_texts(steps, filler, depth)) for filler in _FILLERS for depth in range(3)}
    return sorted(paths)


def _texts(steps: Sequence[Step], filler: str, depth: int) -> Iterator[str]:
    for place, step in enumerate(steps):
        first = place == 0
        match step:
            case Literal():
                yield step.text
            case InFolder():
                yield "zq7" if first else filler
            case AnyPath():
                # The container is part of it where nothing stands before it.
                yield ("zq7/" if first else "") + f"{filler}/" * depth + filler
            case Folders():
                yield f"{filler}/" * depth if not first else "zq7/" * max(depth, 1)
            case Int():
                yield ("7", "20261", "0")[depth]
            case Moment():
                yield step.example
