"""One event is one line, whatever its values contain."""

import logging
from datetime import UTC, datetime

import pytest

from shared.event_log import EventLog, LogValue, format_event


def test_line_holds_name_and_keys() -> None:
    """Strings as JSON strings, numbers as they are, nothing for None."""
    line = format_event("run.created", {"blob": "landing/a b.csv", "size": 12, "x": None, "ok": True})

    assert line == 'run.created blob="landing/a b.csv" size=12 ok=true'


def test_time_is_iso_8601() -> None:
    """A date has one form in every line."""
    assert format_event("e", {"at": datetime(2026, 1, 2, tzinfo=UTC)}) == 'e at="2026-01-02T00:00:00+00:00"'


@pytest.mark.parametrize(
    "value", ["a\nb", "a\r\nb", "a\x85b", "a\u2028b", "a\u2029b", "a\x1b[31mb", "a\u202eb", "a\ud800b", 'a"b']
)
def test_hostile_value_stays_on_one_line_and_readable(value: LogValue) -> None:
    """Line breaks, terminal escapes and text that runs backwards are data."""
    line = format_event("blob.observed", {"blob": value})

    assert line.isprintable()
    assert len(line.splitlines()) == 1


def test_letters_of_the_world_stay_letters() -> None:
    """Escaping everything would make names unreadable for most people."""
    assert format_event("e", {"blob": "Übung 数据 😀"}) == 'e blob="Übung 数据 😀"'


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_events_are_logged_at_their_level_and_counted(level: str, caplog: pytest.LogCaptureFixture) -> None:
    """Counting is by name."""
    log = EventLog()
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            getattr(log, level)("blob.gone", blob="landing/%s")

    assert log.counts == {"blob.gone": 2}
    assert [(record.levelname.lower(), record.getMessage()) for record in caplog.records] == [
        (level, 'blob.gone blob="landing/%s"')
    ] * 2
