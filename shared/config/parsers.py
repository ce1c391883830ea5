"""`Setting`: how one app setting is read, and the types of values that settings have."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.model.container import is_container
from shared.routes.keys import dag_id

type Parse = Callable[[str], object]
"""Returns the value of a setting's text; raises ValueError with what it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One app setting.

    Attributes:
        name: Name of the app setting.
        parse: See `Parse`.
        default: Text to use if it is not set; None if it must be set.
        purpose: One line of documentation, as docs/settings.md has it.
    """

    name: str
    parse: Parse
    default: str | None
    purpose: str


def setting(name: str, parse: Parse, default: str | None, purpose: str) -> Any:
    """Declare a field of `Settings`."""
    return field(metadata={"setting": Setting(name=name, parse=parse, default=default, purpose=purpose)})


def text(value: str) -> str:
    """Return it unchanged; a line break is no part of any setting."""
    if not value.isprintable():
        msg = "must not contain line breaks or other characters that cannot be printed"
        raise ValueError(msg)
    return value


def lines(value: str) -> str:
    """Return a text of several lines unchanged."""
    return value


def boolean(value: str) -> bool:
    """Read true or false."""
    if value.lower() not in {"true", "false"}:
        msg = "must be true or false"
        raise ValueError(msg)
    return value.lower() == "true"


def one_of[T](choices: Callable[[str], T], *names: str) -> Parse:
    """Read one of the names, in any case."""

    def parse(value: str) -> T:
        if value.lower() not in names:
            msg = f"must be one of {', '.join(names)}"
            raise ValueError(msg)
        return choices(value.lower())

    return parse


def integer(least: int, most: int) -> Parse:
    """Read a whole number."""

    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            msg = f"must be a whole number from {least} to {most}"
            raise ValueError(msg)
        return int(value)

    return parse


def or_none(parse: Parse) -> Parse:
    """Read an empty string as None."""
    return lambda value: parse(value) if value else None


def or_empty(parse: Parse) -> Parse:
    """Read an empty string as such."""
    return lambda value: parse(value) if value else ""


def seconds(least: float, most: float) -> Parse:
    """Read a number of seconds."""

    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not least <= number <= most:
            msg = f"must be a number of seconds from {least:g} to {most:g}"
            raise ValueError(msg)
        return number

    return parse


def duration(least: timedelta) -> Parse:
    """Read a duration such as `7d`, `12h`, `30m` or `90s`."""

    def parse(value: str) -> timedelta:
        found = re.fullmatch(r"([0-9]{1,6})([dhms])", value.lower())
        unit = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
        read = timedelta(**{unit[found[2]]: int(found[1])}) if found else None
        if read is None or read < least:
            msg = f"must be a duration such as 7d, 12h, 30m or 90s, and at least {least.total_seconds():g} s"
            raise ValueError(msg)
        return read

    return parse


def blob_path_or_empty(value: str) -> str:
    """Read `container/name`, or an empty string."""
    container, _, name = value.partition("/")
    if value and not (is_container(container) and name):
        msg = "must be a blob of the host account, as container/name"
        raise ValueError(msg)
    return value


def dag_id_or_empty(value: str) -> str:
    """Read the id of a DAG by the rule for a route's `dag_id`, or an empty string."""
    return dag_id(value) if value else ""
