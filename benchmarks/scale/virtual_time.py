"""`VirtualTime`: a clock that jumps to whoever is to go on next, and threads that take turns on it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from benchmarks.scale.pools import Condition, Pool, Promise, Task
from tests.support.clock import FakeClock

_STACK_BYTES = 512 * 1024


class Closed(BaseException):
    """Ends a thread of a simulation that is over."""


class VirtualTime(FakeClock):
    """Lets one thread run at a time: the one whose wait ends first. Waiting takes no time of the machine.

    Attributes:
        fault: The first exception of a job.
    """

    def __init__(self) -> None:
        super().__init__()
        self.current = Task()
        self.fault: BaseException | None = None
        self._agenda: list[tuple[float, int, Task, int]] = []
        self._numbers = count()
        self._idle: list[Task] = []
        self._tasks: list[Task] = []
        self._is_closed = False
        threading.stack_size(_STACK_BYTES)

    def sleep(self, seconds: float) -> None:
        """Let the others run for so long."""
        self.block(self.now + max(0.0, seconds))

    def spawn(self, job: Callable[[], None]) -> None:
        """Run a job beside the others, from now on."""
        if self._idle:
            task = self._idle.pop()
        else:
            task = Task()
            self._tasks.append(task)
            threading.Thread(target=self._work, args=(task,), daemon=True).start()
        task.job = job
        self.wake(task)

    def block(self, until: float | None) -> None:
        """Wait to be woken, or for a moment."""
        if self._is_closed:
            raise Closed
        task = self.current
        task.number += 1
        if until is not None:
            heappush(self._agenda, (until, next(self._numbers), task, task.number))
        self._give_turn()
        task.turn.acquire()
        if self._is_closed:
            raise Closed

    def wake(self, task: Task) -> None:
        """Let a task that waits go on now."""
        task.number += 1
        heappush(self._agenda, (self.now, next(self._numbers), task, task.number))

    def close(self) -> None:
        """End all threads, wherever they wait."""
        self._is_closed = True
        for task in self._tasks:
            task.turn.release()

    def _give_turn(self) -> None:
        while self._agenda:
            moment, _, task, number = heappop(self._agenda)
            if number == task.number:
                self.now = max(self.now, moment)
                self.current = task
                task.turn.release()
                return
        msg = "Everything waits, and nothing will end that."
        raise RuntimeError(msg)

    def _work(self, task: Task) -> None:
        while True:
            task.turn.acquire()
            if self._is_closed:
                return
            try:
                task.job()
            except Closed:
                return
            except BaseException as error:  # noqa: BLE001  (shown by whoever runs the simulation)
                self.fault = self.fault or error
            self._idle.append(task)
            self._give_turn()

    @contextmanager
    def in_place_of_threads(self) -> Iterator[None]:
        """Give the app pools and conditions on this clock, where it would make real ones."""

        def pool(threads: int) -> Pool:
            return Pool(self, threads)

        conditions = SimpleNamespace(Condition=lambda: Condition(self))
        with (
            patch("shared.jobs.drain.ThreadPoolExecutor", pool),
            patch("shared.jobs.drain.wait", self._wait),
            patch("shared.jobs.row_settler.ThreadPoolExecutor", pool),
            patch("shared.delivery.permits.threading", conditions),
        ):
            try:
                yield
            finally:
                self.close()

    def _wait(
        self, futures: Iterable[Promise], timeout: float | None = None, **_options: Any
    ) -> tuple[set[Promise], set[Promise]]:
        everything = set(futures)
        end = None if timeout is None else self.now + timeout
        while True:
            done = {each for each in everything if each.is_done}
            if done or (end is not None and self.now >= end):
                return done, everything - done
            for each in everything:
                each.waiting = self.current
            self.block(end)
            for each in everything:
                each.waiting = None
