"""messages.txt, a style guide: what people write who know another tool, and what they are told."""

import re
from pathlib import Path

import pytest

from shared.model.errors import Misconfigured
from shared.routes.matcher import Subject
from shared.routes.pattern import compile_pattern
from shared.routes.reader import read_routes

TEXT = (Path(__file__).parent / "messages.txt").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^(\w.*)\n {4}(.+)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("written", "told"), MESSAGES, ids=[written for written, _ in MESSAGES])
def test_message_names_what_was_written_and_what_to_write(written: str, told: str) -> None:
    """In full: a message is read, not searched. The faults of whole files are in wrong/."""
    key = written.partition(" ")[0]
    lines = {"match": 'match = "landing/**"', "dag_id": 'dag_id = "load"'} | {key: written}

    with pytest.raises(Misconfigured) as refused:
        read_routes("\n".join(["[[route]]", 'name = "a"', *lines.values()]), origin="routes.toml")

    number = 3 + list(lines).index(key)
    assert str(refused.value) == f"routes.toml is unusable:\n  line {number}, route 'a': {told}"


WHY_NOT = [
    ("landing/{n:int}", "landing/" + "1" * 21, f"{{n:int}} cannot be '{'1' * 21}': it takes 1 to 20 digits"),
    ("landing/{n:int}.csv", "landing/7a.csv", "{n:int} cannot be '7a': it takes 1 to 20 digits"),
    (
        "landing/{day:date}/{n:int}",
        "landing/2026-02-29/7",
        "{day:date} cannot be '2026-02-29': another layout, or a day that no calendar has",
    ),
]


@pytest.mark.parametrize(("pattern", "path", "why"), WHY_NOT)
def test_typed_capture_that_does_not_fit_is_named_with_its_value(pattern: str, path: str, why: str) -> None:
    """`explain` says which part of the name is wrong, and what it holds."""
    assert compile_pattern(pattern).why_not(Subject(path)) == why
