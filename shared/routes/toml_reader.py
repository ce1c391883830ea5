"""`read_toml`: read a text that may be anything, soon, and without an integer that nobody can print."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from shared.model.errors import Misconfigured

_MOST_BITS = 64
_MOST_PARTS = 50
_ENDLESS_KEY = re.compile(
    rf"""
    (?<![\w-])
    (?: (?: [\w-]++ | "[^"\n]*+" | '[^'\n]*+' ) [ \t]*+ \. [ \t]*+ ){{{_MOST_PARTS}}}
    """,
    re.VERBOSE,
)


def read_toml(text: str, *, origin: str) -> dict[str, Any]:
    """Return the document.

    Raises:
        Misconfigured: It is not TOML, or no file that a person has written; `origin` names its source.
    """
    # The parser takes hours for a megabyte of them, because its time is that of their square.
    if _ENDLESS_KEY.search(text):
        msg = f"{origin} has a key of more than {_MOST_PARTS} parts."
        raise Misconfigured(msg)
    try:
        document = tomllib.loads(text)
        is_long = any(number.bit_length() >= _MOST_BITS for number in _integers(document))
    except tomllib.TOMLDecodeError as error:
        msg = f"{origin} is not valid TOML: {error}"
        raise Misconfigured(msg) from error
    except RecursionError as error:
        msg = f"{origin} is nested too deeply."
        raise Misconfigured(msg) from error
    except ValueError:  # the parser's own, of an integer with thousands of digits
        is_long = True
    if is_long:
        msg = f"{origin} is not valid TOML: it has an integer of more than {_MOST_BITS} bits."
        raise Misconfigured(msg)
    return document


def _integers(value: object) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _integers(each)
