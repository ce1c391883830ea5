"""`World`: many instances of the app, with one storage account, one Airflow and one clock."""

from collections import deque
from datetime import timedelta
from itertools import cycle
from statistics import quantiles
from typing import Any

from benchmarks.scale.services import LimitedAirflow, LimitedTable, Model, SlowLease, SlowReader
from benchmarks.scale.virtual_time import VirtualTime
from shared.model.errors import StorageUnavailable
from shared.model.pending import Pending
from shared.routes.table import RouteTable
from tests.support.fakes import lane_routes
from tests.support.harness import OutboxHarness, Storage, lane_of
from tests.support.samples import blob_event

_AT_ONCE = 16
"""Events of one instance: `maxDegreeOfParallelism` of host.json."""

_TICK_SECONDS = 30.0
_AGAIN_SECONDS = 30.0


class World:
    """The app at scale. Use it inside `clock.in_place_of_threads()`.

    Args:
        clock: Whose threads it uses.
        instances: Of the app.
        lanes: Routes, each with a DAG of its own.
        model: What is assumed of storage and Airflow.
        settings: Of the app.
    """

    def __init__(
        self, clock: VirtualTime, *, instances: int, lanes: int, model: Model, settings: dict[str, Any]
    ) -> None:
        self.clock = clock
        self.lanes = lanes
        self.table = LimitedTable(clock, model)
        self.airflow = LimitedAirflow(clock, model)
        self._reader = SlowReader(clock, model)
        storage = Storage(outbox=self.table, reader=self._reader, lease=SlowLease(clock, model))
        routes: RouteTable = lane_routes(*(f"lane{number}" for number in range(lanes)))
        self.apps = [
            OutboxHarness(routes, storage=storage, airflow=self.airflow, clock=clock, **settings)
            for _ in range(instances)
        ]
        self._inbox: deque[str] = deque()
        self._busy = 0
        self._next_app = cycle(self.apps)
        self.arrived = self.delivered_again = 0
        self.went = clock.now
        clock.spawn(self._tick)

    def fill(self, rows: int) -> None:
        """Let so many rows wait, over all lanes, written an instant ago."""
        self.table.is_free = True
        for number in range(rows):
            lane = f"lane{number % self.lanes}"
            self.apps[0].park(f"{lane}/{number}", lane=lane_of(lane))
            self.airflow.arrived[f"{lane}/{number}"] = self.clock.now
        self.table.is_free = False
        self.arrived += rows

    def arrive(self, rate: float, seconds: float) -> None:
        """Let files land for so long, evenly, each handled by whichever instance is free."""
        begin, first = self.clock.now, self.arrived
        while self.clock.now < begin + seconds:
            self.clock.sleep(max(0.0, begin + (self.arrived - first + 1) / rate - self.clock.now))
            name = f"lane{self.arrived % self.lanes}/{self.arrived}"
            self.airflow.arrived[name] = self.clock.now
            self.arrived += 1
            self._take_in(name)
            if self.clock.fault:
                raise self.clock.fault

    def settle(self, most_seconds: float) -> float:
        """Let the time pass until every version has its run; return how long that took."""
        begin = self.clock.now
        while len(self.airflow.created) < self.arrived and self.clock.now < begin + most_seconds:
            self.clock.sleep(1.0)
            if self.clock.fault:
                raise self.clock.fault
        return self.clock.now - begin

    def figures(self) -> dict[str, Any]:
        """Return what became of it."""
        passed = self.clock.now - self.went
        seconds = self.airflow.seconds
        spread = quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else [0.0] * 19
        return {
            "versions": self.arrived,
            "runs": len(self.airflow.created),
            "runs_per_second": round(len(self.airflow.created) / passed, 1) if passed else 0.0,
            "seconds_median": round(spread[9], 2),
            "seconds_p95": round(spread[18], 2),
            "rows_waiting": sum(key != "!" for _, key in self.table.rows),
            "events_waiting": len(self._inbox) + self._busy,
            "refused_by_airflow": self.airflow.refused,
            "posted_twice": self.airflow.doubled,
            "table_requests": self.table.requests,
            "table_requests_per_version": round(self.table.requests / max(1, self.arrived), 2),
            "peak_partition": self.table.peak_partition,
            "peak_account": self.table.peak_account,
            "throttled": self.table.throttled,
            "table_failed": self.table.failed,
            "events_again": self.delivered_again,
        }

    def _take_in(self, name: str) -> None:
        self._inbox.append(name)
        if self._busy < _AT_ONCE * len(self.apps):
            self._busy += 1
            self.clock.spawn(self._work)

    def _work(self) -> None:
        app = next(self._next_app)
        try:
            while self._inbox:
                self._handle(app, self._inbox.popleft())
        finally:
            self._busy -= 1

    def _handle(self, app: OutboxHarness, name: str) -> None:
        event = blob_event(name=name, event_time=self.clock.time() + timedelta(microseconds=self.arrived))
        self._reader.blobs[name] = event
        try:
            app.ingest.take(Pending(container=event.container, name=name, event=event))
        except StorageUnavailable:
            # As the host does: the same event comes again later.
            self.delivered_again += 1
            self.clock.spawn(lambda: self._again(name))
            return
        app.dispatcher.after_event()

    def _again(self, name: str) -> None:
        self.clock.sleep(_AGAIN_SECONDS)
        self._take_in(name)

    def _tick(self) -> None:
        app = self.apps[0]
        while True:
            begin = self.clock.now
            try:
                app.dispatcher.drain(begin + app.timing.dispatch_seconds)
            except StorageUnavailable:
                app.log.warning("dispatch.storage_failed")
            passed = self.clock.now - begin
            self.clock.sleep(_TICK_SECONDS - passed % _TICK_SECONDS)
