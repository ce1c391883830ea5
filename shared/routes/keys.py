"""The keys of a route in routes.toml and their values; docs/routes.schema.json describes the same."""

import json
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Never

from shared.model.run_request import WhenPaused
from shared.routes.completeness import DEFAULTS
from shared.routes.pattern import compile_pattern

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_DAG_ID = re.compile(r"[\w.-]{1,250}")

type Parse = Callable[[object], object]


def _refuse(msg: str) -> Never:
    raise ValueError(msg)


def text(value: object) -> str:
    """Read a string that is not empty."""
    return value if isinstance(value, str) and value else _refuse("must be a string that is not empty")


def name(value: object) -> str:
    """Read a route's name or id: they go into run ids, logs, and the keys of the outbox."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        _refuse("must be a name: 1 to 63 letters, digits, - and _, beginning with a letter or digit")
    return value


def dag_id(value: object) -> str:
    """Read a DAG id as Airflow allows it."""
    if not isinstance(value, str) or not _DAG_ID.fullmatch(value):
        _refuse("must be a DAG id: 1 to 250 letters, digits, _, . and -")
    return value


def dag_ids(value: object) -> frozenset[str]:
    """Read the list of DAGs that a `dag_id` with captures may name."""
    if not isinstance(value, list) or not value:
        _refuse('must be a list of DAG ids such as ["orders", "returns"]')
    return frozenset(map(dag_id, value))


def texts(value: object) -> tuple[str, ...]:
    """Read one string or a list of them."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        _refuse("must be a string or a list of strings")
    return tuple(items)


def boolean(value: object) -> bool:
    """Read true or false."""
    return value if isinstance(value, bool) else _refuse("must be true or false, without quotes")


def integer(least: int, what: str) -> Callable[[object], int]:
    """Read a whole number from `least` on."""

    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            _refuse(f"must be a number of {what}: a whole number from {least} on, without quotes")
        return value

    return parse


def table(value: object) -> dict[str, object]:
    """Read a table."""
    return value if isinstance(value, dict) else _refuse('must be a table such as { key = "value" }')


def metadata(value: object) -> dict[str, object]:
    """Read the metadata that a blob must have."""
    if not all(isinstance(item, str) or item is True for item in table(value).values()):
        _refuse("must have a string for each key, or true for any value")
    return table(value)


def switches(value: object) -> dict[str, object]:
    """Read completeness defaults to switch on or off by their names."""
    for key, on in table(value).items():
        if key not in DEFAULTS:
            _refuse(f"has the unknown key {key!a}{near(key, DEFAULTS)}; the keys are {', '.join(DEFAULTS)}")
        if not isinstance(on, bool):
            _refuse(f"must be true or false for {key}")
    return table(value)


def when_paused(value: object) -> WhenPaused:
    """Read what happens to runs of a paused DAG."""
    if not isinstance(value, str) or value not in list(WhenPaused):
        _refuse(f"must be one of {', '.join(WhenPaused)}")
    return WhenPaused(value)


FILTERS: Mapping[str, Parse] = {
    "min_size": integer(0, "bytes"),
    "max_size": integer(0, "bytes"),
    "content_type": texts,
    "suffix": texts,
    "metadata": metadata,
    "ignore_empty": boolean,
}

RUN: Mapping[str, Parse] = {
    "id": name,
    "dag_id": text,
    "dag_ids": dag_ids,
    "conf": table,
    "head": boolean,
    "when_paused": when_paused,
    "logical_date": text,
    "max_runs_per_minute": integer(1, "runs"),
    "max_queued_runs": integer(1, "runs"),
    "stop": boolean,
    "complete": switches,
}
"""Keys that have no effect if `ignore` is true."""

ROUTE: Mapping[str, Parse] = {
    "name": name,
    "match": lambda value: compile_pattern(text(value)),
    "ignore": boolean,
    **FILTERS,
    **RUN,
}


def near(key: str, known: Mapping[str, object]) -> str:
    """Suggest the known key that an unknown one resembles."""
    found = get_close_matches(key, known, n=1)
    return f", did you mean {found[0]}?" if found else ""


def shown(value: object) -> str:
    """Return a value about as the file has it, on one line, shortened."""
    line = json.dumps(value, default=str)
    return line if len(line) <= 80 else f"{line[:77]}..."  # noqa: PLR2004
