"""How values are shown: to a person, to a program, to a terminal that must not be steered."""

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from operate.errors import DeskError
from operate.output import Output, age, printable, span


def test_list_is_shown_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    """The first rows decide the widths; a later one may be wider."""
    taken = []

    def numbers() -> Iterator[int]:
        for number in (*range(300), 10**20):
            taken.append(number)
            yield number
            if number == 299:
                assert "250" in capsys.readouterr().out

    count = Output().rows(numbers(), ("Number", "Text"), lambda number: (str(number), "x"))

    assert count == len(taken) == 301


def test_line_break_in_a_name_begins_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in a list, nor in a note, nor in what a person is asked."""
    name = "a\nNext  send it again\x1b[2J"
    output = Output()

    output.rows([name], ("Blob", "What"), lambda text: (text, text))
    output.lines([name])
    output.note(name)

    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 3
    assert len(shown.err.splitlines()) == 1
    assert "\x1b" not in shown.out + shown.err


def test_empty_list_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """No header without rows."""
    assert Output().rows([], ("A", "B"), lambda _: ("", "")) == 0
    assert capsys.readouterr().out == ""


def test_what_could_steer_a_terminal_is_escaped() -> None:
    """ESC, the C1 controls, text that runs the other way, and what would begin a line of its own."""
    assert printable("a\x1b[2J\x9b\u202eb\tc") == "a\\x1b[2J\\x9b\\u202eb\\tc"
    assert printable("a\r\nb\u2028c\x85d") == "a\\r\\nb\\u2028c\\x85d"
    assert printable("Größe 数") == "Größe 数"


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(seconds=12), "12s"),
        (timedelta(minutes=5, seconds=3), "5m 3s"),
        (timedelta(hours=2, minutes=5), "2h 5m"),
        (timedelta(days=3, hours=4), "3d 4h"),
        (timedelta(seconds=-5), "0s"),
    ],
)
def test_time_is_shown_in_its_two_largest_units(length: timedelta, expected: str) -> None:
    """A clock that is ahead gives no negative age."""
    assert span(length) == expected


def test_age_of_what_never_was_is_empty() -> None:
    """A row that was made by hand may have no time."""
    assert age(None, datetime.now(UTC)) == ""


def test_progress_is_shown_at_a_terminal_and_nowhere_else() -> None:
    """A log file has no use for a bar that moves."""
    code = (
        "from operate.output import Output\n"
        "with Output().progress('replay', 3) as step:\n"
        "    step()\n"
        "    step()\n"
    )
    terminal, program = pty.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as shown:
        subprocess.run([sys.executable, "-c", code], stderr=program, check=True, timeout=60)
        drawn = shown.read(4_000).decode()
    os.close(program)
    quiet = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)

    assert "replay" in drawn
    assert "2/3" in drawn
    assert quiet.stderr + quiet.stdout == b""


def test_slow_list_shows_what_has_come(capsys: pytest.CaptureFixture[str]) -> None:
    """A backfill sends five files a second: the first lines do not wait for two hundred."""

    def slow() -> Iterator[str]:
        yield "a"
        time.sleep(0.6)
        yield "b"
        assert "a" in capsys.readouterr().out
        yield "c"

    assert Output().rows(slow(), ("Blob", "What"), lambda text: (text, text)) == 3


def test_nobody_to_ask_means_no() -> None:
    """Under pytest standard input is no terminal."""
    with pytest.raises(DeskError, match="--yes"):
        Output().confirm("Replay?", yes=False)
    Output().confirm("Replay?", yes=True)
