"""Filters: the table is their documentation."""

from typing import Any

import pytest

from shared.routes.filters import Filters
from tests.support.samples import MOMENT, blob_event

CASES: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    ({}, {"size": 0}, None),
    ({"min_size": 10}, {"size": 10}, None),
    ({"min_size": 10}, {"size": 9}, "min_size"),
    ({"max_size": 10}, {"size": 10}, None),
    ({"max_size": 10}, {"size": 11}, "max_size"),
    ({"max_size": 0}, {"size": 0}, None),
    ({"ignore_empty": True}, {"size": 0}, "ignore_empty"),
    ({"ignore_empty": True}, {"size": 1}, None),
    ({"suffix": (".csv", ".csv.gz")}, {"name": "a.csv.gz"}, None),
    ({"suffix": (".csv",)}, {"name": "a.CSV"}, "suffix"),
    ({"content_type": ("text/csv",)}, {"content_type": "Text/CSV; charset=utf-8"}, None),
    ({"content_type": ("text/csv", "image/*")}, {"content_type": "image/png"}, None),
    ({"content_type": ("text/csv",)}, {"content_type": "text/plain"}, "content_type"),
    ({"content_type": ("text/csv",)}, {"content_type": None}, None),  # not known, so not refused
    ({"metadata": {"Source": "bank"}}, {"metadata": {"source": "bank"}, "last_modified": MOMENT}, None),
    ({"metadata": {"source": "bank"}}, {"metadata": {"source": "shop"}, "last_modified": MOMENT}, "metadata"),
    ({"metadata": {"source": True}}, {"metadata": {"source": "shop"}, "last_modified": MOMENT}, None),
    ({"metadata": {"source": True}}, {"metadata": {}, "last_modified": MOMENT}, "metadata"),
    ({"metadata": {"source": True}}, {"metadata": {}, "last_modified": None}, None),  # not known
]


@pytest.mark.parametrize(("conditions", "facts", "reason"), CASES)
def test_condition_that_does_not_hold_is_the_reason(
    conditions: dict[str, Any], facts: dict[str, Any], reason: str | None
) -> None:
    """The first condition that fails is named by its key."""
    assert reason == Filters(**conditions).refusal(blob_event(**facts))


@pytest.mark.parametrize(
    ("conditions", "facts", "needed"),
    [
        ({"min_size": 1, "suffix": (".csv",)}, {}, False),
        ({"content_type": ("text/csv",)}, {"content_type": "text/csv"}, False),
        ({"content_type": ("text/csv",)}, {}, True),
        ({"metadata": {"a": True}}, {}, True),
    ],
)
def test_condition_on_an_unknown_fact_needs_a_head(
    conditions: dict[str, Any],
    facts: dict[str, Any],
    needed: bool,  # noqa: FBT001
) -> None:
    """Size and name are in every event."""
    assert needed == Filters(**conditions).needs_head(blob_event(**facts))
