"""The tables of docs/scale.md, from the kept figures: `python -m benchmarks.scale.summary` prints them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_KEPT = Path(__file__).parents[2] / "docs" / "benchmarks" / "scale.json"

_LATENCY = [("seconds_median", "To the run, s"), ("seconds_p95", "95th percentile, s")]
_STORAGE = [
    ("table_requests", "Requests to the table"),
    ("peak_partition", "Most entities in a second, one partition"),
    ("peak_account", "All"),
    ("throttled", "503 of storage"),
]
_COLUMNS: dict[str, Sequence[tuple[str, str]]] = {
    "steady": [
        ("rate", "Files a second"),
        ("runs_per_second", "Runs a second"),
        *_LATENCY,
        ("rows_waiting", "Rows at the end"),
        ("refused_by_airflow", "503 of Airflow"),
        *_STORAGE,
    ],
    "capped": [
        ("lanes", "Lanes"),
        ("rate", "Files a second"),
        ("runs_per_second", "Runs a second"),
        ("seconds_median", "To the run, s"),
        ("table_requests_per_version", "Requests to the table for each file"),
        *_STORAGE[1:],
    ],
    "backlog": [("rows", "Rows"), ("drained_seconds", "Drained in, s"), *_STORAGE],
    "lanes": [("lanes", "Lanes"), ("rows", "Rows"), ("drained_seconds", "Drained in, s"), *_STORAGE],
    "quick_airflow": [
        ("concurrency", "Calls at once"),
        ("rows", "Rows"),
        ("drained_seconds", "Drained in, s"),
        *_STORAGE,
    ],
    "outage": [
        ("rate", "Files a second"),
        ("rows_after_outage", "Rows after the hour"),
        ("refused_in_outage", "Posts in the hour"),
        ("drained_seconds", "Until all have their run, s"),
        ("posted_twice", "Found there already"),
        ("throttled", "503 of storage"),
    ],
}


def tables() -> dict[str, str]:
    """Return each as Markdown."""
    found: dict[str, Any] = json.loads(_KEPT.read_text(encoding="utf-8"))
    return {name: _table(found[name], columns) for name, columns in _COLUMNS.items()}


def _table(rows: list[dict[str, Any]], columns: Sequence[tuple[str, str]]) -> str:
    lines = ["| " + " | ".join(title for _, title in columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(f"{row[key]:,}" for key, _ in columns) + " |" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    for title, table in tables().items():
        print(title, table, sep="\n\n", end="\n\n")
