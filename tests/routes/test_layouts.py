"""examples/routes: each layout is a file that the app takes, without a warning, and whose own tests pass."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from shared.routes.cautions import cautions
from shared.routes.reader import read_routes

FOLDER = Path(__file__).parents[2] / "examples" / "routes"
LAYOUTS = sorted(FOLDER.glob("*.toml"))
SCHEMA = json.loads((FOLDER.parents[1] / "docs" / "routes.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_layout_starts_what_its_tests_say(path: Path) -> None:
    """At least one blob that starts something and one that does not, or starts something else."""
    text = path.read_text(encoding="utf-8")
    table = read_routes(text, origin=path.name)

    assert [f"line {test.line}: {failure}" for test, failure in table.test_failures()] == []
    assert [str(caution) for caution in cautions(table, table.watch or ("landing",))] == []
    assert len({test.starts for test in table.tests}) >= 2
    jsonschema.Draft7Validator(SCHEMA).validate(json.loads(json.dumps(tomllib.loads(text), default=str)))


def test_page_names_every_layout() -> None:
    """Nobody finds a file that no page names."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| \[.+\]\((.+\.toml)\)", page, re.MULTILINE)
    assert {path.name for path in LAYOUTS} == set(re.findall(r"\]\((.+?\.toml)\)", page))
