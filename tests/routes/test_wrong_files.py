"""Wrong files of routes, one in each file of wrong/, with what the message must say beside it."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from shared.model.errors import Misconfigured
from shared.routes.reader import read_routes

WRONG = sorted((Path(__file__).parent / "wrong").glob("*.toml"))
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "routes.schema.json").read_text(encoding="utf-8"))
NO_TOML, NOT_IN_SCHEMA = "# no TOML", "# the schema cannot see this"


def expectation(path: Path) -> list[str]:
    """Return the lines beside a wrong file: each must be in the message; # says what editors cannot show."""
    return path.with_suffix(".expected").read_text(encoding="utf-8").splitlines()


def test_collection_is_large() -> None:
    """At least 50 wrong files, and each has its expectation."""
    expectations = {path.stem for path in WRONG[0].parent.glob("*.expected")}

    assert len(WRONG) >= 50
    assert {path.stem for path in WRONG} == expectations


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_wrong_file_is_refused_with_line_route_and_remedy(path: Path) -> None:
    """Every fault is named at once, with its line and route."""
    expected = [line for line in expectation(path) if not line.startswith("#")]

    with pytest.raises(Misconfigured) as refused:
        read_routes(path.read_text(encoding="utf-8"), origin=path.name)

    message = str(refused.value)
    assert message.startswith((f"{path.name} is unusable:\n  line ", f"{path.name} is not valid TOML: "))
    assert [line for line in expected if line not in message] == [], message


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_schema_refuses_what_it_can_see(path: Path) -> None:
    """Editors show the same faults, but for those that need more than one value's form."""
    marks = expectation(path)[0]
    if marks == NO_TOML:
        with pytest.raises(tomllib.TOMLDecodeError):
            tomllib.loads(path.read_text(encoding="utf-8"))
        return
    document = json.loads(json.dumps(tomllib.loads(path.read_text(encoding="utf-8")), default=str))

    accepted = jsonschema.Draft7Validator(SCHEMA).is_valid(document)

    assert accepted == (marks == NOT_IN_SCHEMA)
