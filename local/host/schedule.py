"""When a timer fires: NCRONTAB expressions (six fields, seconds first) and time spans.

Source: DOC functions-bindings-timer.md.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from local.host.functions import FunctionError
from local.host.host_json import seconds

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_YEARS_AHEAD = 8


class Schedule(Protocol):
    """Tells when to fire."""

    def next_after(self, time: datetime) -> datetime:
        """Return the first time after `time`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Every so often."""

    every: timedelta

    def next_after(self, time: datetime) -> datetime:
        """Return `time` and one interval."""
        return time + self.every


@dataclass(frozen=True, slots=True, kw_only=True)
class Crontab:
    """The allowed values of each field."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, time: datetime) -> datetime:
        """Return the first time after `time`, to the second.

        Raises:
            FunctionError: there is none within years.
        """
        start = time.replace(microsecond=0) + timedelta(seconds=1)
        midnight = start.replace(hour=0, minute=0, second=0)
        for ahead in range(366 * _YEARS_AHEAD):
            day = midnight + timedelta(days=ahead)
            # NCRONTAB asks for both, the day of the month and the weekday (Sunday is 0).
            if day.month not in self.months or day.day not in self.days:
                continue
            if day.isoweekday() % 7 not in self.weekdays:
                continue
            for hour in self.hours:
                for minute in self.minutes:
                    if day.replace(hour=hour, minute=minute, second=59) < start:
                        continue
                    for second in self.seconds:
                        found = day.replace(hour=hour, minute=minute, second=second)
                        if found >= start:
                            return found
        msg = "The schedule never comes."
        raise FunctionError(msg)


def parse_schedule(text: str) -> Schedule:
    """Parse the `schedule` of a timer trigger: six fields, five (without seconds), or `hh:mm:ss`.

    Raises:
        FunctionError: it is none of these.
    """
    fields = text.split()
    try:
        if len(fields) == 1 and ":" in text:
            return Interval(every=timedelta(seconds=seconds(text)))
        if len(fields) == len(_FIELDS) - 1:
            fields.insert(0, "0")
        values = [_values(field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)]
    except ValueError as exc:
        msg = f"The schedule expression '{text}' was not recognized as a cron expression or timespan."
        raise FunctionError(msg) from exc
    return Crontab(
        seconds=tuple(sorted(values[0])),
        minutes=tuple(sorted(values[1])),
        hours=tuple(sorted(values[2])),
        days=frozenset(values[3]),
        months=frozenset(values[4]),
        weekdays=frozenset(values[5]),
    )


def _values(field: str, low: int, high: int) -> set[int]:
    """Return the values of one field such as `*`, `5`, `1-5`, `*/10`, `2,4`, `mon-fri`."""
    found: set[int] = set()
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        if span in {"*", "?"}:
            first, last = low, high
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, low)
            last = _number(end, low) if dash else (high if step else first)
        if not low <= first <= last <= high:
            raise ValueError(part)
        found |= set(range(first, last + 1, int(step or 1)))
    return found


def _number(text: str, low: int) -> int:
    names = _MONTHS if low == 1 else _DAYS
    if text[:3] in names:
        return names.index(text[:3]) + low
    return int(text)
