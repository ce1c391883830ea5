"""`EventLog`: one line for each event, with its name and keys, and a count for each name."""

import json
import logging
from collections import Counter
from datetime import datetime

type LogValue = str | int | float | bool | datetime | None


class EventLog:
    """Writes `name key=value …` lines and counts them by name.

    Values are untrusted (blob names, responses of servers), so everything that could break a line or a
    terminal is escaped: one event is one line. The counts are approximate under threads.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("blob_to_dag")
        self.counts: Counter[str] = Counter()

    def info(self, event: str, **keys: LogValue) -> None:
        """Log what went as expected."""
        self._write(logging.INFO, event, keys)

    def warning(self, event: str, **keys: LogValue) -> None:
        """Log what the app handles, but an operator may want to know."""
        self._write(logging.WARNING, event, keys)

    def error(self, event: str, **keys: LogValue) -> None:
        """Log what an operator has to fix."""
        self._write(logging.ERROR, event, keys)

    def _write(self, level: int, event: str, keys: dict[str, LogValue]) -> None:
        self.counts[event] += 1
        self._logger.log(level, "%s", format_event(event, keys))


def format_event(event: str, keys: dict[str, LogValue]) -> str:
    """Return the line: strings as JSON strings, the rest as JSON values, keys with None left out."""
    parts = [f"{key}={_value(value)}" for key, value in keys.items() if value is not None]
    return " ".join([event, *parts])


def _value(value: LogValue) -> str:
    if isinstance(value, datetime):
        value = value.isoformat()
    text = json.dumps(value, ensure_ascii=False)
    # json.dumps leaves U+2028, bidirectional overrides and lone surrogates as they are.
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]
