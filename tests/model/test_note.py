"""The note of a run: what it is about, whatever the file is called."""

from datetime import timedelta

import pytest

from shared.model.errors import AirflowUnclear, AirflowUnreachable, RetryableError
from shared.model.note import note, note_after_waiting
from shared.model.pending import Pending
from tests.support.samples import MOMENT, ORDERS, blob_event

LONGEST = 1_000
"""Characters that Airflow keeps; it refuses the run of a longer note."""


def waited(minutes: float, *errors: RetryableError) -> Pending:
    """Return an event that was written so long before `MOMENT`."""
    parked_at = MOMENT - timedelta(minutes=minutes)
    pending = Pending(container="landing", name="a.csv", event=ORDERS, parked_at=parked_at)
    for error in errors:
        pending = pending.after(error, now=parked_at)
    return pending


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Größe & Maß/日本.csv", "landing/Größe & Maß/日本.csv"),
        ("![x](https://evil.example/x.png)<b>*_~", "landing/![x](https://evil.example/x.png)<b>*_~"),
        ("a`b``c", "landing/a'b''c"),
        ("a\nb\u202etxt.exe\x00", "landing/a\\nb\\u202etxt.exe\\x00"),
        ("\U0001f600.csv", "landing/\\U0001f600.csv"),
    ],
)
def test_name_is_text_and_nothing_else(name: str, shown: str) -> None:
    """In a code span nothing has a meaning; line breaks and directions of writing are escaped."""
    text = note(blob_event(name=name))

    assert text == f"`{shown}`, 1.2 kB, 2026-11-20 06:30:15 UTC."


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_200_000, "1.2 MB"),
        (2 * 10**9, "2.0 GB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_size_is_for_people(size: int, shown: str) -> None:
    """Bytes where they are few."""
    assert f", {shown}, " in note(blob_event(size=size))


@pytest.mark.parametrize("letter", ["a", "\x00", "日", "\U0001f600", "`"])
def test_longest_name_and_message_fit(letter: str) -> None:
    """Of a name the end is kept, which tells files apart."""
    text = note(blob_event(name=letter * 1_020 + ".csv"))
    whole = note_after_waiting(text, waited(90, AirflowUnreachable(letter * 5_000)), MOMENT)

    assert ".csv`" in text
    assert whole.startswith(text)
    assert len(whole) <= LONGEST


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [(0.6, "1 min"), (12, "12 min"), (60 * 7, "7 h"), (60 * 24 * 3, "3 days")],
)
def test_wait_and_its_reason_are_told(minutes: float, shown: str) -> None:
    """With the words of the last failure."""
    pending = waited(minutes, AirflowUnreachable("No `answer`"))
    text = note_after_waiting("About a file.", pending, MOMENT)

    assert text == f"About a file. Waited {shown} (airflow_unreachable: `No 'answer'`)."


def test_moment_in_the_outbox_is_no_wait() -> None:
    """With a cap each run passes through it."""
    assert note_after_waiting("About.", waited(0.4), MOMENT) == "About."
    assert note_after_waiting("About.", waited(5), MOMENT) == "About. Waited 5 min."


def test_note_never_keeps_a_run_away() -> None:
    """A database may not be able to store it; Airflow then answers with a failure each time."""
    once = waited(5, AirflowUnclear("500"))
    twice = waited(5, AirflowUnclear("500"), AirflowUnclear("500"))

    assert note_after_waiting("About.", once, MOMENT).startswith("About. Waited")
    assert note_after_waiting("About.", twice, MOMENT) == ""
