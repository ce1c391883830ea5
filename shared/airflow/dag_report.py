"""`DagReports`: why a DAG cannot be started, as far as Airflow tells; for the message of its hold."""

import difflib
import threading
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from shared.airflow.dialects.base import DagState, ImportFault
from shared.model.errors import RetryableError

_KEEP_SECONDS = 60.0
_MOST_KEPT = 500
_MAX_NAMES = 3
_MOST_LINES = 4
_LONGEST_TEXT = 400


class Hints[T]:
    """Answers to questions that only help a message: each is asked once a minute at most, without a lock.

    While one thread asks, the others take the answer of before.

    Args:
        ask: Asks; raises RetryableError, then there is no answer for a while.
        otherwise: The answer where there is none.
        clock: Monotonic seconds.
    """

    def __init__(
        self, ask: Callable[[str], T], otherwise: T, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._otherwise = otherwise
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[T, float]] = {}

    def get(self, key: str = "") -> T:
        """Return the answer for a key."""
        now = self._clock()
        with self._lock:
            answer, good_until = self._known.get(key, (self._otherwise, float("-inf")))
            if now < good_until:
                return answer
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[key] = (answer, now + _KEEP_SECONDS)
        try:
            answer = self._ask(key)
        except RetryableError:
            answer = self._otherwise
        with self._lock:
            self._known[key] = (answer, self._clock() + _KEEP_SECONDS)
        return answer


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """What reports are made of; each raises RetryableError."""

    dag: Callable[[str], DagState | None]
    dag_ids: Callable[[], Iterable[str]]
    import_faults: Callable[[], Iterable[ImportFault]]


class DagReports:
    """Caches its questions, because every blob of a route meets its missing DAG."""

    def __init__(self, ask: Questions, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._dags = Hints(ask.dag, None, clock=clock)
        self._names = Hints[Sequence[str]](lambda _: list(ask.dag_ids()), (), clock=clock)
        self._faults = Hints[Sequence[ImportFault]](lambda _: list(ask.import_faults()), (), clock=clock)
        self._missing = Hints(self._make_missing, "", clock=clock)
        self._broken = Hints(self._make_broken, "", clock=clock)

    def missing(self, dag_id: str) -> str:
        """Return what is known about a DAG that Airflow does not start because it has none of this id."""
        return self._missing.get(dag_id)

    def broken(self, dag_id: str) -> str:
        """Return the import error of a DAG, where the role may see it."""
        return self._broken.get(dag_id)

    def _make_missing(self, dag_id: str) -> str:
        state = self._dags.get(dag_id)
        found = self._import_error(dag_id, state)
        if state is not None:
            text = (
                f"Airflow knows {dag_id!a}, but its file is gone or not read any more (the DAG is disabled)."
            )
            return f"{text} {found}".strip()
        near = difflib.get_close_matches(dag_id, self._names.get(), n=_MAX_NAMES)
        names = f"Similar names: {', '.join(near)}." if near else ""
        return f"{names} {found or self._other_errors()}".strip()

    def _make_broken(self, dag_id: str) -> str:
        return self._import_error(dag_id, self._dags.get(dag_id))

    def _import_error(self, dag_id: str, state: DagState | None) -> str:
        for fault in self._faults.get():
            is_its_file = state is not None and bool(state.file) and fault.file.endswith(state.file)
            # A file that cannot be imported defines nothing, but usually names its DAG, or is named after it.
            if is_its_file or dag_id in fault.file or dag_id in fault.text:
                return f"Import error of {fault.file!a}: {_excerpt(fault.text)}"
        return ""

    def _other_errors(self) -> str:
        faults = self._faults.get()
        if not faults:
            return ""
        first = faults[0]
        return (
            f"{len(faults)} DAG files have import errors; the first, {first.file!a}: {_excerpt(first.text)}"
        )


def _excerpt(text: str) -> str:
    """Return the lines of a traceback that say what is wrong and where."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("Traceback", "^", "~"))]
    return " | ".join(said[-_MOST_LINES:])[:_LONGEST_TEXT]
