"""When timers fire; needs no host."""

from datetime import UTC, datetime

import pytest

from local.host.functions import FunctionError
from local.host.schedule import parse_schedule


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("*/5 * * * * *", "2026-11-21T08:00:02", "2026-11-21T08:00:05"),
        ("0 */5 * * * *", "2026-11-21T08:00:00", "2026-11-21T08:05:00"),
        ("*/5 * * * *", "2026-11-21T08:00:00", "2026-11-21T08:05:00"),
        ("0 30 9 * * mon-fri", "2026-11-21T08:00:00", "2026-11-23T09:30:00"),
        ("0 0 0 1 jan *", "2026-11-21T08:00:00", "2027-01-01T00:00:00"),
        ("0 0 0 29 2 *", "2026-11-21T08:00:00", "2028-02-29T00:00:00"),
        ("0 0 9-17/4 * * *", "2026-11-21T09:00:00", "2026-11-21T13:00:00"),
        ("59 59 23 31 12 *", "2026-12-31T23:59:59", "2027-12-31T23:59:59"),
        ("00:00:10", "2026-11-21T08:00:00", "2026-11-21T08:00:10"),
    ],
)
def test_schedule_gives_next_time(text: str, now: str, expected: str) -> None:
    """Six fields with seconds first, five without, or a time span.

    Source: DOC functions-bindings-timer.md.
    """
    time = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert datetime.fromisoformat(expected).replace(tzinfo=UTC) == parse_schedule(text).next_after(time)


@pytest.mark.parametrize("text", ["", "every day", "61 * * * * *", "* * * * * * *", "5-1 * * * * *"])
def test_wrong_schedule_is_named(text: str) -> None:
    """A schedule that cannot be read puts its function in error, with the text."""
    with pytest.raises(FunctionError) as caught:
        parse_schedule(text)

    assert f"'{text}'" in str(caught.value)
