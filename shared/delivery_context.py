"""`Turn`: the circumstances in which an event is delivered: how often to try, and where it waits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from shared.model.errors import RateLimited
from shared.model.pending import Parked
from shared.model.run_request import RunRequest


class Retry(Protocol):
    """Calls again while that may help within seconds; see `Retrier`."""

    def __call__[T](self, attempt: Callable[[], T]) -> T:
        """Give the first result, or raise the last error."""


class Place(Protocol):
    """Where an event waits: a message that there is already, or one that is made when needed."""

    def park(self, parked: Parked, *, delay_seconds: int) -> None:
        """Keep the event for so long; raises StorageUnavailable."""

    def leave(self) -> None:
        """Give the place up: the event is delivered, or kept as a dead letter; raises StorageUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The circumstances of one delivery.

    Attributes:
        place: Where the event goes if it has to wait.
        retry: How often to try before that.
        admit: Raises `RateLimited` where the run has to wait for its turn.
        age: How long the event has been waiting.
    """

    place: Place
    retry: Retry
    admit: Callable[[RunRequest], None]
    age: timedelta = timedelta(0)


def no_retry[T](attempt: Callable[[], T]) -> T:
    """Try once: parking is the retry."""
    return attempt()


def send_at_once(run: RunRequest) -> None:
    """Admit every run that has no cap of its own."""
    if run.max_runs_per_minute is not None or run.max_queued_runs is not None:
        msg = f"Route {run.route!a} has a cap of its own."
        raise RateLimited(msg)


def send_by_dispatcher(run: RunRequest) -> None:
    """Admit nothing: a global cap holds over all instances only if one dispatcher sends everything."""
    msg = f"A cap on all runs is set, so {run.route!a} waits for its turn."
    raise RateLimited(msg)
