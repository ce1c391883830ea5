"""What docs/benchmarks.md shows was measured."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.summary import table, upload_table

DOCS = Path(__file__).parents[1] / "docs"
KEPT = sorted((DOCS / "benchmarks").glob("*.json"))
PAGE = (DOCS / "benchmarks.md").read_text(encoding="utf-8")


def test_table_has_the_figures_that_were_kept() -> None:
    """Nobody edits a figure by hand, and none stays when its benchmark was run again."""
    assert table() in PAGE
    assert upload_table() in PAGE


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.stem)
def test_each_benchmark_has_its_command_and_its_data_on_the_page(kept: Path) -> None:
    """Whoever doubts a figure finds how to repeat it, and what was measured, with the machine."""
    assert f"`python -m benchmarks.{kept.stem}" in PAGE
    assert f"(benchmarks/{kept.name})" in PAGE
    assert "cores" in kept.read_text(encoding="utf-8")


def test_each_picture_is_of_a_benchmark() -> None:
    """A picture without its numbers, or one that nobody sees, is not kept."""
    pictures = {path.stem for path in (DOCS / "benchmarks").glob("*.png")}

    assert pictures <= {path.stem for path in KEPT}
    assert pictures == set(re.findall(r"\]\(benchmarks/(\w+)\.png\)", PAGE))


def test_costs_are_those_of_the_inputs() -> None:
    """The table of costs is the one that was computed."""
    costs = json.loads((DOCS / "benchmarks" / "costs.json").read_text(encoding="utf-8"))
    text = (DOCS / "benchmarks" / "costs.md").read_text(encoding="utf-8")

    assert all(
        "| " + " | ".join(f"{value:,}" for value in row.values()) + " |" in text for row in costs["rows"]
    )
