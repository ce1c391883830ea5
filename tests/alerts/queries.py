"""The queries of alerts and workbook, read out of the templates."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.infra.bicep import Source, Sources, load

MODULES = "modules/"

FEED = {"<route>": "orders", "<time>": "06:30", "<hours>": "12", "<days>": "1d, 5d"}
"""What alerts.bicep puts into the query of a feed: here of orders, by 6:30 on Mondays and Fridays."""

MONDAY = datetime(2026, 11, 16, 5, 0, tzinfo=UTC)
"""A day of the feed, before its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An alert that is a query.

    Attributes:
        name: As in docs/operations.md.
        query: Whole, as Azure gets it.
        window: How far back it looks.
        measure: The column that is compared; empty where the rows are counted.
        threshold: An alert fires above it.
        dimensions: Columns; each combination of their values is an alert of its own.
    """

    name: str
    query: str
    window: timedelta
    measure: str
    threshold: int
    dimensions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A part of the workbook."""

    name: str
    title: str
    look: str
    query: str


THRESHOLDS = {"Minutes": 30, "Hours": 24, "": 0}
"""The defaults of main.bicepparam, by the column that is compared."""


def alert_rules(sources: Sources | None = None, *, feed: Mapping[str, str] = FEED) -> list[Rule]:
    """Return the rules of alert-rules.bicep, and the one of a feed."""
    sources = sources or load()
    source = sources["modules/alert-rules.bicep"]
    rules = [
        Rule(
            name=item["name"],
            query=_lines(sources) + item["query"],
            window=duration(item["window"]),
            measure=item.get("measure", ""),
            threshold=THRESHOLDS[item.get("measure", "")],
            dimensions=tuple(item["dimensions"]),
        )
        for item in _items(source, "alertRules")
    ]
    late = Rule(
        name="feed-late",
        query=_lines(sources) + feed_query(sources, feed),
        window=timedelta(days=2),
        measure="",
        threshold=0,
        dimensions=(),
    )
    return [*rules, late]


def feed_query(sources: Sources, values: Mapping[str, str]) -> str:
    """Return the query of a feed with its values, as alerts.bicep makes it."""
    query = str(sources["modules/alert-rules.bicep"].variables["feedQuery"])
    for name, value in values.items():
        query = query.replace(name, value)
    return query


def workbook_charts(sources: Sources | None = None) -> list[Chart]:
    """Return the parts of the workbook that are queries."""
    sources = sources or load()
    items = _items(sources["modules/workbook-charts.bicep"], "charts")
    return [Chart(**item | {"query": _lines(sources) + item["query"]}) for item in items]


def duration(text: str) -> timedelta:
    """Read the forms of ISO 8601 that the templates use."""
    written = re.fullmatch(r"P(?:(\d+)D)?(?:T(\d+)M)?", text)
    assert written, text
    days, minutes = written.groups(default="0")
    return timedelta(days=int(days), minutes=int(minutes))


def _lines(sources: Sources) -> str:
    return str(sources["modules/log-lines.bicep"].variables["logLines"])


def _items(source: Source, name: str) -> list[dict[str, Any]]:
    items = source.variables[name]
    assert isinstance(items, list)
    assert items
    # A multi-line string of Bicep begins after its first line break.
    return [
        {key: value.removeprefix("\n") if isinstance(value, str) else value for key, value in item.items()}
        for item in items
        if isinstance(item, dict)
    ]
