"""The keys of a route in routes.toml and what each may hold, as docs/routes.schema.json tells editors."""

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
    """Take a text that is not empty."""
    return value if isinstance(value, str) and value else _refuse("is no text")


def name(value: object) -> str:
    """Take a route's name or id: they go into run ids, logs, and the keys of the outbox."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        _refuse("is no name: 1 to 63 letters, digits, - and _, the first no - or _")
    return value


def dag_id(value: object) -> str:
    """Take a DAG id as Airflow allows it."""
    if not isinstance(value, str) or not _DAG_ID.fullmatch(value):
        _refuse("is no DAG id: 1 to 250 letters, digits, _, . and -")
    return value


def dag_ids(value: object) -> frozenset[str]:
    """Take the list of DAGs that a `dag_id` with captures may name."""
    if not isinstance(value, list) or not value:
        _refuse('is no list of DAG ids such as ["orders", "returns"]')
    return frozenset(map(dag_id, value))


def texts(value: object) -> tuple[str, ...]:
    """Take one text or a list of them."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        _refuse("is neither a text nor a list of texts")
    return tuple(items)


def boolean(value: object) -> bool:
    """Take true or false."""
    return value if isinstance(value, bool) else _refuse("is neither true nor false, without quotes")


def integer(least: int, what: str) -> Callable[[object], int]:
    """Take a whole number from `least` on."""

    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            _refuse(f"is no number of {what}: write a whole number from {least} on, without quotes")
        return value

    return parse


def table(value: object) -> dict[str, object]:
    """Take a table."""
    return value if isinstance(value, dict) else _refuse('is no table such as { key = "value" }')


def metadata(value: object) -> dict[str, object]:
    """Take the metadata that a blob must have."""
    if not all(isinstance(item, str) or item is True for item in table(value).values()):
        _refuse("wants a text for each key, or true for any text")
    return table(value)


def switches(value: object) -> dict[str, object]:
    """Take completeness defaults to switch on or off by their names."""
    for key, on in table(value).items():
        if key not in DEFAULTS:
            _refuse(f"knows no {key!a}{near(key, DEFAULTS)}; there are {', '.join(DEFAULTS)}")
        if not isinstance(on, bool):
            _refuse(f"wants true or false for {key}")
    return table(value)


def when_paused(value: object) -> WhenPaused:
    """Take what becomes of runs of a paused DAG."""
    if not isinstance(value, str) or value not in list(WhenPaused):
        _refuse(f"is none of {', '.join(WhenPaused)}")
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
"""Keys that mean nothing where `ignore` is true."""

ROUTE: Mapping[str, Parse] = {
    "name": name,
    "match": lambda value: compile_pattern(text(value)),
    "ignore": boolean,
    **FILTERS,
    **RUN,
}


def near(key: str, known: Mapping[str, object]) -> str:
    """Suggest what may have been meant by a key that is not known."""
    found = get_close_matches(key, known, n=1)
    return f", did you mean {found[0]}?" if found else ""


def shown(value: object) -> str:
    """Write a value about as the file has it, on one line and not at length."""
    line = json.dumps(value, default=str)
    return line if len(line) <= 80 else f"{line[:77]}..."  # noqa: PLR2004
