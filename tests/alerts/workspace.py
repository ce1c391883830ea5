"""`Workspace`: a Log Analytics workspace whose queries are run by DuckDB, at a time of the test's choice."""

import json
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb_kql

from tests.alerts.columns import TABLES
from tests.alerts.queries import Rule

_KINDS = {
    "datetime": "TIMESTAMP",
    "string": "VARCHAR",
    "dynamic": "JSON",
    "int": "INTEGER",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
}

_SCHEMA = {name: list(columns) for name, columns in TABLES.items()}

LATENCY = timedelta(minutes=2)
"""Lines are not there at once: https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time."""


class Workspace:
    """Holds rows in the published columns, and answers queries as of a moment."""

    def __init__(self) -> None:
        self._database = duckdb_kql.connect()
        self._database.execute("SET threads = 1")  # the rows are few, the machines of CI small
        for name, columns in TABLES.items():
            listed = ", ".join(f'"{column}" {_KINDS[kind]}' for column, kind in columns.items())
            self._database.execute(f'CREATE TABLE "all{name}" ({listed})')

    def add(self, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Take rows in; a column that is not published is an error."""
        columns = TABLES[table]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "rows.json")
            with path.open("w") as file:
                for row in rows:
                    assert set(row) <= set(columns), set(row) - set(columns)
                    file.write(json.dumps(row, default=_text) + "\n")
            kinds = ", ".join(f"'{column}': '{_KINDS[kind]}'" for column, kind in columns.items())
            names = ", ".join(f'"{column}"' for column in columns)
            self._database.execute(
                f'INSERT INTO "all{table}" SELECT {names} FROM read_json(?, '  # noqa: S608  (names of ours)
                f"format = 'newline_delimited', columns = {{{kinds}}})",
                [str(path)],
            )

    def query(
        self, kql: str, *, now: datetime, window: timedelta = timedelta(days=2), latency: timedelta = LATENCY
    ) -> list[dict[str, Any]]:
        """Return the rows of a query that looks at the last `window`."""
        for table in TABLES:
            self._database.execute(
                f'CREATE OR REPLACE VIEW "{table}" AS SELECT * FROM "all{table}" '  # noqa: S608
                f"WHERE \"TimeGenerated\" > TIMESTAMP '{_sql_time(now - window)}' "
                f"AND \"TimeGenerated\" <= TIMESTAMP '{_sql_time(now - latency)}'"
            )
        found = self._database.execute(_translated(kql).replace("now()", f"TIMESTAMPTZ '{now.isoformat()}'"))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def fired(self, rule: Rule, *, now: datetime) -> set[tuple[str, ...]]:
        """Return the alerts of a rule that fire at a moment, each by the values of its dimensions."""
        alerts: dict[tuple[str, ...], list[float]] = {}
        for row in self.query(rule.query, now=now, window=rule.window):
            key = tuple(str(row[dimension]) for dimension in rule.dimensions)
            alerts.setdefault(key, []).append(row[rule.measure] if rule.measure else 1)
        value = max if rule.measure else len
        return {key for key, values in alerts.items() if value(values) > rule.threshold}


@cache
def _translated(kql: str) -> str:
    return str(duckdb_kql.to_sql(kql, schema=_SCHEMA))


def _sql_time(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _text(value: object) -> str:
    assert isinstance(value, datetime)
    return _sql_time(value)
