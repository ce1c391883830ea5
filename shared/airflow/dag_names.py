"""`DagNames`: names near a missing one, for the message; asked for once a minute at most."""

import difflib
import threading
import time
from collections.abc import Callable, Iterable

from shared.model.errors import RetryableError

_KEPT_SECONDS = 60.0
_NEAR_NAMES = 3


class DagNames:
    """Keeps the list of DAGs for a while: a missing DAG is met by every blob of its route."""

    def __init__(
        self, list_dags: Callable[[], Iterable[str]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._list_dags = list_dags
        self._clock = clock
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._good_until = float("-inf")

    def near(self, dag_id: str) -> list[str]:
        """Give up to three names that look like this one; none where Airflow does not tell."""
        with self._lock:
            if self._clock() >= self._good_until:
                try:
                    self._names = list(self._list_dags())
                except RetryableError:
                    self._names = []  # the list is a courtesy
                self._good_until = self._clock() + _KEPT_SECONDS
            return difflib.get_close_matches(dag_id, self._names, n=_NEAR_NAMES)
