"""`Upkeep`: what the dispatcher does about once a day: notes new routes, sweeps old claims."""

from shared.event_log import EventLog
from shared.model.errors import StorageUnavailable
from shared.routes.table import Routes
from shared.storage.settled import Settled
from shared.timing import Timing

_DAY_SECONDS = 86_400.0
_MOST_SWEPT = 5_000
"""In one tick; the next goes on."""


class Upkeep:
    """Runs with a worker's first tick and once a day: two requests where there is nothing to do."""

    def __init__(self, *, settled: Settled, routes: Routes, log: EventLog, timing: Timing) -> None:
        self._settled = settled
        self._routes = routes
        self._log = log
        self._timing = timing
        self._next = float("-inf")

    def run(self) -> None:
        """Do it if it is time. Never raises: the next tick tries again."""
        if self._timing.clock() < self._next:
            return
        try:
            self._settled.first_seen(route.id for route in self._routes.current().routes)
            if self._settled.sweep(most=_MOST_SWEPT):
                self._next = self._timing.clock() + _DAY_SECONDS
        except StorageUnavailable as error:
            self._log.warning("upkeep.failed", message=str(error))
