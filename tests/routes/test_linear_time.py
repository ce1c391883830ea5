"""No pattern takes more than linear time in the length of the name."""

import time

import pytest

from shared.routes.matcher import Subject
from shared.routes.pattern import compile_pattern

HOSTILE = {
    "many captures": ("d/" + "-".join(f"{{p{n}}}" for n in range(32)) + "!", "-"),
    "many captures, letters": ("d/" + "a".join(f"{{p{n}}}" for n in range(32)) + "!", "a"),
    "many paths": ("d/" + "/".join(f"{{p{n}:path}}" for n in range(32)) + "!", "a/"),
    "many double stars": ("d/" + "**/a/" * 30 + "**/*!", "a/"),
    "many stars": ("d/" + "*a" * 32 + "!", "a"),
    "many ints": ("d/{p:path}" + "".join(f"1{{p{n}:int}}" for n in range(31)) + "!", "1"),
    "many dates": ("d/{p:path}" + "".join(f"{{p{n}:date:yyyyMMdd}}" for n in range(5)) + "!", "20111111"),
    "many unpadded dates": (
        "d/{p:path}" + "".join(f"{{p{n}:date:yyyy-M-d}}" for n in range(5)) + "!",
        "2011-11-1",
    ),
    "a long text": ("d/{p}" + "a" * 100 + "{q}!", "a"),
}
"""A pattern, and what its name is made of, over and over."""


def hostile(name: str, size: int) -> str:
    """Return a path of `size` characters."""
    unit = HOSTILE[name][1]
    body = unit * (size // len(unit))
    return "d/" + body[-(size - 3) :] + "!"


@pytest.mark.parametrize("fits", [True, False], ids=["fits", "fails at the very end of the work"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_takes_linear_time(name: str, fits: bool) -> None:  # noqa: FBT001
    """Four times the name takes about four times as long at most; quadratic would be 16 times."""
    compiled = compile_pattern(HOSTILE[name][0])
    # Matching goes from the end to the beginning: the other container is seen last.
    container = "d" if fits else "e"
    short, long = (container + hostile(name, size)[1:] for size in (256, 1_024))

    def seconds(text: str) -> float:
        best = 1.0
        for _ in range(10):
            start = time.thread_time()
            result = compiled.match(Subject(text))
            best = min(best, time.thread_time() - start)
            assert fits == (result is not None)
        return best

    assert seconds(long) < 10 * seconds(short)
    assert seconds(long) < 0.05
