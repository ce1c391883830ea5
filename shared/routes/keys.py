"""The keys of a route in routes.toml and their values; docs/routes.schema.json describes the same."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Never

from shared.model.run_request import WhenPaused
from shared.routes.completeness import DEFAULTS
from shared.routes.pattern import compile_pattern
from shared.routes.template import Template, compile_template

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_DAG_ID = re.compile(r"[\w.-]{1,250}")
_CAPTURE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LONGEST_OWNER = 200

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile("([0-9]{1,6})([smhd])")

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


def dag(value: object) -> str | dict[str, str]:
    """Read a DAG id or a template of one, or a table of DAG ids by the values of a capture."""
    if isinstance(value, list):
        _refuse("is a list: write a second [[route]] with the same match for the second DAG")
    if not isinstance(value, dict):
        return text(value)
    if not value:
        _refuse('must have a DAG for each value, as in { "0017" = "load_acme" }')
    return {key: dag_id(item) for key, item in value.items()}


def capture(value: object) -> str:
    """Read the name of one capture in braces."""
    found = _CAPTURE.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else _refuse("must be one capture of match in braces, such as {customer}")


def owner(value: object) -> str:
    """Read who looks after a route: it goes into log lines and columns."""
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= _LONGEST_OWNER:
        _refuse(f"must be a name or an address on one line, of at most {_LONGEST_OWNER} characters")
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


def suffix(value: object) -> tuple[str, ...]:
    """Read the endings of names."""
    endings = texts(value)
    for ending in endings:
        if set(ending) & set("*?{}"):
            plain = ending.rpartition("*")[2]
            _refuse(
                f"is no pattern: it is the end of the name, as it is, such as {json.dumps(plain or '.csv')}"
            )
    return endings


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


def texts_by_key(value: object) -> dict[str, object]:
    """Read a table of strings."""
    if not all(isinstance(item, str) for item in table(value).values()):
        _refuse("must have a string for each key")
    return table(value)


def switches(value: object) -> dict[str, object]:
    """Read completeness defaults to switch on or off by their names."""
    for key, on in table(value).items():
        if key not in DEFAULTS:
            _refuse(f"has the unknown key {key!a}{near(key, DEFAULTS)}; the keys are {', '.join(DEFAULTS)}")
        if not isinstance(on, bool):
            _refuse(f"must be true or false for {key}")
    return table(value)


def duration(least: timedelta, most: timedelta) -> Callable[[object], timedelta]:
    """Read a time such as `10m`."""

    def parse(value: object) -> timedelta:
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        time = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
        if time is None or not least <= time <= most:
            _refuse(f'must be a time from {shown_time(least)} to {shown_time(most)}, such as "10m" or "6h"')
        return time

    return parse


def shown_time(time: timedelta) -> str:
    """Return a time in the largest unit that it is a multiple of."""
    seconds = int(time.total_seconds())
    unit, size = next((unit, size) for unit, size in _SECONDS.items() if seconds % size == 0)
    return f"{seconds // size}{unit}"


def ordered(value: object) -> object:
    """Read true, false, or a text with captures."""
    if not isinstance(value, bool | str):
        _refuse('must be true, false, or captures of match such as "{customer}"')
    return value


def group(value: str, captures: Collection[str]) -> Template:
    """Read what groups files, such as `{customer}`."""
    template = compile_template(value, captures, event_fields=False)
    if not template.names:
        known = ", ".join(f"{{{capture}}}" for capture in captures) or "none"
        _refuse(f"groups nothing: use captures of match, which are {known}")
    return template


def when_paused(value: object) -> WhenPaused:
    """Read what happens to runs of a paused DAG."""
    if not isinstance(value, str) or value not in list(WhenPaused):
        _refuse(f"must be one of {', '.join(WhenPaused)}")
    return WhenPaused(value)


FILTERS: Mapping[str, Parse] = {
    "min_size": integer(0, "bytes"),
    "max_size": integer(0, "bytes"),
    "content_type": texts,
    "suffix": suffix,
    "metadata": metadata,
    "ignore_empty": boolean,
}

RUN: Mapping[str, Parse] = {
    "id": name,
    "dag_id": dag,
    "dag_by": capture,
    "dag_ids": dag_ids,
    "conf": table,
    "head": boolean,
    "when_paused": when_paused,
    "logical_date": text,
    "max_runs_per_minute": integer(1, "runs"),
    "max_queued_runs": integer(1, "runs"),
    "requires": texts,
    "requires_within": duration(timedelta(seconds=10), timedelta(days=7)),
    "ordered": ordered,
    "batch": table,
    "stop": boolean,
    "enabled": boolean,
    "owner": owner,
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


_OTHERS_SAY = {
    **dict.fromkeys(
        ("pattern", "glob", "path", "regex", "filter", "prefix", "blob", "file", "filename"), "match"
    ),
    **dict.fromkeys(("dag", "dags", "pipeline"), "dag_id"),
    **dict.fromkeys(("params", "parameters", "config"), "conf"),
    **dict.fromkeys(("routes", "rule", "rules"), "route"),
    **dict.fromkeys(("tests",), "test"),
    **dict.fromkeys(("disabled", "active", "is_enabled"), "enabled"),
    **dict.fromkeys(("extension", "ext", "ending"), "suffix"),
}
"""What other tools call a key."""


def near(key: str, known: Mapping[str, object]) -> str:
    """Suggest the known key that an unknown one resembles, or that another tool calls so."""
    other = _OTHERS_SAY.get(key.lower(), "")
    found = [other] if other in known else get_close_matches(key, known, n=1)
    return f", did you mean {found[0]}?" if found else ""


def shown(value: object) -> str:
    """Return a value about as the file has it, on one line, shortened."""
    line = json.dumps(value, default=str)
    return line if len(line) <= 80 else f"{line[:77]}..."  # noqa: PLR2004
