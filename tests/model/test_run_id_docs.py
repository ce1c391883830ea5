"""`docs/airflow.md` says how the runs of a file begin."""

import re
from pathlib import Path

from shared.model.run_id import run_id
from tests.support.samples import blob_event

DOCS = Path(__file__).parents[2] / "docs" / "airflow.md"


def test_table_of_beginnings_is_right() -> None:
    """For each file that it shows."""
    rows = re.findall(r"^\| `(.+)` \| `(blob__.*__)` \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)

    assert len(rows) == 3
    for name, beginning in rows:
        found = run_id(blob_event(name=name), route="default")
        assert found.rpartition("__")[0] + "__" == beginning
