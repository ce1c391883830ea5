"""What the README says is so."""

import re
from pathlib import Path

import pytest

from shared.routes.load import load_routes
from tests.support.samples import blob_event

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_readme_stays_short() -> None:
    """Long material goes to docs/."""
    assert len(README.splitlines()) < 200


def test_route_of_the_readme_does_what_it_says() -> None:
    """A date in the path is a date in the conf."""
    [toml] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    table = load_routes(root=ROOT / "nowhere", inline=toml)

    [run] = table.match(blob_event(name="orders/2026-11-20/a.csv")).requests
    assert (run.dag_id, run.route, run.conf["table"]) == ("load_orders", "orders", "orders")
    assert str(run.conf["day"]) == "2026-11-20"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Relative links name files that are there."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_make_targets_of_the_pages_exist() -> None:
    """Nobody is sent to a target that is not there."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))
    }

    assert named - targets == set()
