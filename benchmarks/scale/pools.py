"""What stands for threads that wait: a pool, its futures and a condition, on the clock of the simulation."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from benchmarks.scale.virtual_time import VirtualTime


class Task:
    """A thread that runs while it is its turn.

    Attributes:
        turn: Released when it may go on.
        number: Of its last wait; what was to end an earlier one is out of date.
        job: What it is to run next.
    """

    def __init__(self) -> None:
        self.turn = threading.Semaphore(0)
        self.number = 0
        self.job: Callable[[], None] = lambda: None


class Promise:
    """Stands for a `Future`.

    Attributes:
        is_done: Whether its work has ended.
        waiting: Who is to be woken then.
    """

    def __init__(self, clock: "VirtualTime") -> None:
        self._clock = clock
        self._result: Any = None
        self._fault: BaseException | None = None
        self.is_done = False
        self.waiting: Task | None = None

    def run(self, work: Callable[[], Any]) -> None:
        """Do the work."""
        try:
            self._result = work()
        except BaseException as error:  # noqa: BLE001  (as a Future does)
            self._fault = error
        self.is_done = True
        if self.waiting is not None:
            self._clock.wake(self.waiting)
            self.waiting = None

    def result(self) -> Any:
        """Return what came of it, or raise it."""
        if self._fault is not None:
            raise self._fault
        return self._result

    def exception(self) -> BaseException | None:
        """Return what it raised."""
        return self._fault


class Pool:
    """Stands for a `ThreadPoolExecutor`."""

    def __init__(self, clock: "VirtualTime", threads: int) -> None:
        self._clock = clock
        self._free = threads
        self._queue: list[tuple[Promise, Callable[[], Any]]] = []
        self._promises: list[Promise] = []

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Wait for what is under way."""
        self.shutdown()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Promise:
        """Run a function when a thread is free."""
        promise = Promise(self._clock)
        self._promises = [each for each in self._promises if not each.is_done]
        self._promises.append(promise)
        self._queue.append((promise, lambda: function(*arguments)))
        if self._free:
            self._free -= 1
            self._clock.spawn(self._work)
        return promise

    def shutdown(self, *, wait: bool = True) -> None:
        """Wait for what is under way."""
        while wait and any(not each.is_done for each in self._promises):
            self._clock.sleep(0.001)

    def _work(self) -> None:
        while self._queue:
            promise, work = self._queue.pop(0)
            promise.run(work)
        self._free += 1


class Condition:
    """Stands for a `threading.Condition`; nobody else runs while its block does."""

    def __init__(self, clock: "VirtualTime") -> None:
        self._clock = clock
        self._waiting: list[Task] = []

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Do nothing."""

    def wait_for(self, is_true: Callable[[], bool], timeout: float) -> bool:
        """Wait until something is true."""
        end = self._clock.now + timeout
        while not is_true() and self._clock.now < end:
            self._waiting.append(self._clock.current)
            self._clock.block(end)
            if self._clock.current in self._waiting:
                self._waiting.remove(self._clock.current)
        return is_true()

    def notify_all(self) -> None:
        """Let all who wait look again."""
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            self._clock.wake(task)
