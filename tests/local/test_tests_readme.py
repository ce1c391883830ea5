"""`tests/README.md` covers every folder, and its commands exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")


def test_every_folder_has_a_row() -> None:
    """What it tests, what it needs, and where its fixtures are."""
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} - {"__pycache__"}
    rows = set(re.findall(r"^\| `(\w+)/` \|", PAGE, re.MULTILINE))

    assert folders - rows == set()


def test_make_targets_of_the_page_exist() -> None:
    """Each command can be run."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert set(re.findall(r"`make ([a-z-]+)", PAGE)) - targets == set()


def test_root_fixtures_are_those_of_the_table() -> None:
    """A new one is described, a removed one is not."""
    source = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    fixtures = set(re.findall(r"@pytest\.fixture.*\ndef (\w+)", source))

    assert set(re.findall(r"^\| `(\w+)` \| (?:test|session)", PAGE, re.MULTILINE)) == fixtures
