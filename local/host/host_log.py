"""The host's log: lines on standard output, in the shape that Core Tools prints."""

import sys
import threading
from datetime import UTC, datetime
from typing import Protocol, TextIO


class Log(Protocol):
    """Writes one entry."""

    def __call__(self, message: str, *, level: str = "Information") -> None:
        """Write `message`; `level` is Trace, Debug, Information, Warning, Error or Critical."""


class HostLog:
    """Writes `[time] [level] message` entries; safe for use by many threads."""

    def __init__(self, *, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()

    def __call__(self, message: str, *, level: str = "Information") -> None:
        """Write one entry; a message of several lines stays together."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # A blob name may hold half a surrogate pair, which no stream can encode.
        text = f"[{time}] [{level}] {message}\n".encode(errors="backslashreplace").decode()
        with self._lock:
            self._stream.write(text)
            self._stream.flush()


def brief(error: BaseException) -> str:
    """Return an error in one line; storage errors have many."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
