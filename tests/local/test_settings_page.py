"""docs/settings.md is what the code makes of itself, and README's short table is a part of it."""

import re

from local.package import ROOT
from local.settings_page import PAGE, page
from tests.infra.app_facts import observe

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_page_is_the_one_that_the_code_makes() -> None:
    """If not: `make settings`."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_page_names_every_setting_that_is_read() -> None:
    """Also those of the decorators, the storage clients and the log-in."""
    text = page()
    named = set(re.findall(r"`([A-Za-z_…]+)`", text))
    suffixes = tuple(name.lstrip("…") for name in named if name.startswith("…"))

    missing = {name for name in observe().settings - named if not name.endswith(suffixes)}
    assert missing == set()


def test_readme_has_only_what_everybody_needs() -> None:
    """Five at most, with the same defaults, and the way to the rest."""
    section = README.partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, re.MULTILINE)
    everything = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", page(), re.MULTILINE))

    assert 4 <= len(rows) <= 5
    assert dict(rows).items() <= everything.items()
    assert "docs/settings.md" in section
