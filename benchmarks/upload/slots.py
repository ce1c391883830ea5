"""`Slots`: how long waiting held slots of workers, looked up twice a second in Airflow's database."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Self

from benchmarks.upload.rig import Rig

_SAMPLE_SECONDS = 0.5
_STATES = "SELECT dag_id, state, count(*) FROM task_instance WHERE task_id = 'wait' GROUP BY dag_id, state"


@dataclass(slots=True)
class Slots:
    """Sums while it is used in a `with`.

    Attributes:
        worker_seconds: By DAG, for tasks that ran.
        trigger_seconds: By DAG, for tasks that were deferred to the triggerer.
    """

    rig: Rig
    worker_seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    trigger_seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        assert self._thread  # noqa: S101
        self._thread.join()

    def _sample(self) -> None:
        sums = {"running": self.worker_seconds, "deferred": self.trigger_seconds}
        last = time.monotonic()
        while not self._stopping.wait(_SAMPLE_SECONDS):
            states = self.rig.query(_STATES)
            now = time.monotonic()
            for dag_id, state, count in states:
                if state in sums:
                    sums[state][dag_id] += int(count) * (now - last)
            last = now
