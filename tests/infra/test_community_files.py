"""What whoever joins or reports is told is so."""

import re

import pytest
import yaml

from tests.infra.bicep import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
EXAMPLES = ("source", "dialect", "outcome", "setting", "alert")


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_kind_of_change_has_an_example(name: str) -> None:
    """With the files that it touches."""
    [body] = re.findall(rf"\*\*A new {name}[^*]*\*\*(.*?)(?=\n\*\*|\Z)", CONTRIBUTING, re.DOTALL)

    assert len(re.findall(r"(?m)^\d\. ", body)) >= 3


def test_files_of_the_examples_exist() -> None:
    """But for those that the examples make."""
    named = set(re.findall(r"`((?:shared|infra|tests|local|docs)/[\w./-]+?)/?`", CONTRIBUTING))
    made = {
        "shared/sources/service_bus.py",
        "tests/sources/test_service_bus.py",
        "shared/airflow/dialects/v3.py",
    }

    assert len(named) > 15
    assert {name for name in named - made if not (ROOT / name).exists()} == set()


def test_make_targets_exist() -> None:
    """Of both pages."""
    text = CONTRIBUTING + (ROOT / "SECURITY.md").read_text()
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))

    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)) - targets == set()


@pytest.mark.parametrize("page", ["SECURITY.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(page: str) -> None:
    """Files that are there, and headings that they have."""
    for target, heading in re.findall(
        r"\]\((?!https?:|\.\./\.\.)([^)#]+)#?([^)]*)\)", (ROOT / page).read_text()
    ):
        assert (ROOT / target).exists()
        slugs = {
            re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"(?m)^#+ (.+)$", (ROOT / target).read_text() if heading else "")
        }
        assert not heading or heading in slugs


def test_forms_are_valid() -> None:
    """GitHub shows nothing where a form is wrong."""
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text())
        if path.name != "config.yml":
            assert {"name", "description", "body"} <= set(form)
            identifiers = [item["id"] for item in form["body"] if item["type"] != "markdown"]
            assert len(set(identifiers)) == len(identifiers)
            assert all(item["attributes"].get("label") or item["type"] == "markdown" for item in form["body"])
