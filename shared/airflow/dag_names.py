"""`DagNames`: names similar to a missing one, for the message; the list is fetched once a minute at most."""

import difflib
import threading
import time
from collections.abc import Callable, Iterable

from shared.model.errors import RetryableError

_CACHE_SECONDS = 60.0
_MAX_NAMES = 3


class DagNames:
    """Caches the list of DAGs, because every blob of a route meets its missing DAG."""

    def __init__(
        self, list_dags: Callable[[], Iterable[str]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._list_dags = list_dags
        self._clock = clock
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._good_until = float("-inf")

    def near(self, dag_id: str) -> list[str]:
        """Return up to three similar names; none if Airflow does not list its DAGs."""
        with self._lock:
            if self._clock() >= self._good_until:
                try:
                    self._names = list(self._list_dags())
                except RetryableError:
                    self._names = []  # only a hint
                self._good_until = self._clock() + _CACHE_SECONDS
            return difflib.get_close_matches(dag_id, self._names, n=_MAX_NAMES)
