"""docs/routes.md: every example in it is a test, and its tables are complete."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared.model.blob_event import BlobEvent
from shared.model.conf import encode_conf
from shared.routes import keys
from shared.routes.completeness import DEFAULTS
from shared.routes.reader import read_routes
from shared.routes.table import RouteTable
from shared.routes.template import FIELDS
from tests.support.samples import MOMENT, blob_event

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "routes.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```toml\n(.*?)```\n+(\| blob \| starts \| conf \|\n.*?)\n\n", re.DOTALL)


def examples() -> list[tuple[str, str, str, str]]:
    """Return the TOML, the blob, what it starts, and a part of the conf, for each row of each table."""
    rows = []
    for toml, table in EXAMPLE.findall(DOCS):
        for row in table.splitlines()[2:]:
            blob, starts, conf = (cell.strip() for cell in row.strip("|").split("|"))
            rows.append((toml, blob, starts, conf.strip("`")))
    return rows


def event_of(blob: str) -> BlobEvent:
    """Read the first cell: `container/blob`, then bytes, a content type, and metadata as key=value."""
    path, *facts = (word.strip("` ") for word in blob.split(", "))
    container, _, name = path.partition("/")
    changes: dict[str, Any] = {"container": container, "name": name}
    for fact in facts:
        if fact.endswith(" bytes"):
            changes["size"] = int(fact.removesuffix(" bytes"))
        elif "=" in fact:
            key, _, value = fact.partition("=")
            changes["metadata"] = {**changes.get("metadata", {}), key: value}
            changes["last_modified"] = MOMENT
        else:
            changes["content_type"] = fact
    return blob_event(**changes)


@pytest.mark.parametrize(("toml", "blob", "starts", "conf"), examples(), ids=lambda text: text[:40])
def test_example_starts_what_its_table_says(toml: str, blob: str, starts: str, conf: str) -> None:
    """A reader can trust each row."""
    plan = read_routes(toml, origin="docs/routes.md").match(event_of(blob))
    names = re.findall(r"`([^`]+)`", starts)

    if starts.startswith("nothing: "):
        assert plan.requests == ()
        assert names == [skip.reason for skip in plan.skipped]
    else:
        assert names == [run.dag_id for run in plan.requests]
        sent = encode_conf(plan.requests[0].conf, max_bytes=10_000)
        assert json.loads(conf or "{}").items() <= sent.items()


def test_every_example_has_its_table() -> None:
    """An example that nobody checks goes stale."""
    assert DOCS.count("```toml") == len(EXAMPLE.findall(DOCS)) >= 10


@pytest.mark.parametrize("toml", [*(toml for toml, _ in EXAMPLE.findall(DOCS)), "routes.toml.example"])
def test_good_file_is_good_for_editors_too(toml: str) -> None:
    """The schema accepts what the app accepts."""
    if toml == "routes.toml.example":
        toml = (ROOT / toml).read_text(encoding="utf-8")
    schema = json.loads((ROOT / "docs" / "routes.schema.json").read_text(encoding="utf-8"))

    jsonschema.Draft7Validator(schema).validate(tomllib.loads(toml))
    assert isinstance(read_routes(toml, origin="good"), RouteTable)


def test_schema_and_page_know_every_key() -> None:
    """A new key or default is described before it is used."""
    schema = json.loads((ROOT / "docs" / "routes.schema.json").read_text(encoding="utf-8"))
    route = schema["properties"]["route"]["items"]["properties"]

    assert set(keys.ROUTE) == set(route)
    assert (
        set(DEFAULTS)
        == set(schema["properties"]["complete"]["properties"])
        == set(route["complete"]["properties"])
    )
    assert [key for key in keys.ROUTE if f"`{key}`" not in DOCS] == []
    assert [
        name for name, default in DEFAULTS.items() if f"| `{name}` | {default.purpose} |" not in DOCS
    ] == []
    assert [field for field in FIELDS if f"`{field}`" not in DOCS] == []
