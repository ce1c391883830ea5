"""`note`: what a DAG run is about, for people who look at it in Airflow's own pages.

Airflow shows notes as Markdown and keeps 1,000 characters; a longer note refuses the whole run.
"""

from datetime import UTC, datetime, timedelta

from shared.model.blob_event import BlobEvent
from shared.model.errors import AirflowUnclear
from shared.model.pending import Pending

_LONGEST_NAME = 500
_LONGEST_MESSAGE = 200
_SHORTEST_WAIT = timedelta(seconds=30)
_MOST_UNCLEAR = 2
_STEP = 1_000
_HOUR = 60
_DAY = 24
_LAST_OF_THREE_BYTES = "\uffff"
"""Some databases keep no characters beyond these, and refuse the run of a note that has one."""


def note(event: BlobEvent) -> str:
    """Return container, file, size and time of an event."""
    moment = event.event_time.astimezone(UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
    return f"{_code(event.path, last=_LONGEST_NAME)}, {_size(event.size)}, {moment}."


def note_after_waiting(note: str, pending: Pending, now: datetime) -> str:
    """Return a note with how long the event waited, and why.

    It is empty where Airflow gave no clear answer several times: a note must never be what keeps a run away.
    """
    unclear = pending.history.get(AirflowUnclear.code)
    if unclear and unclear.count >= _MOST_UNCLEAR:
        return ""
    waited = now - pending.parked_at if pending.parked_at else timedelta(0)
    if not note or waited < _SHORTEST_WAIT:
        return note
    why = f" ({pending.reason}: {_code(pending.message, first=_LONGEST_MESSAGE)})" if pending.message else ""
    return f"{note} Waited {_duration(waited)}{why}."


def _code(text: str, *, first: int = 0, last: int = 0) -> str:
    """Return the first or the last characters as a Markdown code span, in which nothing has a meaning."""
    shown = "".join(map(_shown, text))
    if len(shown) > first + last:
        shown = f"{shown[:first]}…" if first else f"…{shown[-last:]}"
    return f"`{shown.replace('`', "'")}`"


def _shown(character: str) -> str:
    is_plain = character.isprintable() and character <= _LAST_OF_THREE_BYTES
    return character if is_plain else character.encode("unicode_escape").decode()


def _size(size: int) -> str:
    amount = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < _STEP:
            return f"{size} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= _STEP
    return f"{amount:.1f} TB"


def _duration(waited: timedelta) -> str:
    minutes = round(waited.total_seconds() / 60)
    if minutes < _HOUR:
        return f"{minutes or 1} min"
    hours = round(minutes / _HOUR)
    return f"{hours} h" if hours < 2 * _DAY else f"{round(hours / _DAY)} days"
