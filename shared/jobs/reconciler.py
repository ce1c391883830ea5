"""`Reconciler`: finds files whose event never came, and sends them through the outbox. Off by default."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import timedelta

from shared.airflow.client import AirflowClient
from shared.event_log import EventLog
from shared.jobs.lookout import Tables, what_is_known
from shared.jobs.missing import Judged, Known, Verdict, Window, judge
from shared.model.blob_event import account_from_url
from shared.model.errors import RetryableError
from shared.routes.table import Routes, RouteTable
from shared.sources.watched import Watched
from shared.storage.blob_reader import BlobReader, Listed
from shared.storage.outbox import Outbox
from shared.storage.settled import Settled
from shared.timing import Timing

NO_EVENT = "no_event"
"""Reason of a row that was found, not reported; the next failure writes another one."""

_MOST_LISTED = 100
"""Changed files that are named in the log each time; the count has all of them."""


class Reconciler:
    """Compares the files of the last days with what is known of them.

    Args:
        airflow: Tells the runs.
        reader: Lists the blobs.
        watched: The account and its containers.
        window: How far back to look; longer than the source of the events goes on trying.
        routes: Which files start what.
        outbox: Where what is missing is written.
        tables: What is known beside the runs.
        settled: Tells since when each route is there.
        log: Of events.
        timing: The clocks.
    """

    def __init__(
        self,
        *,
        airflow: AirflowClient,
        reader: BlobReader,
        watched: Watched,
        window: timedelta,
        routes: Routes,
        outbox: Outbox,
        tables: Tables,
        settled: Settled,
        log: EventLog,
        timing: Timing,
    ) -> None:
        self._airflow = airflow
        self._reader = reader
        self._watched = watched
        self._window = window
        self._routes = routes
        self._outbox = outbox
        self._tables = tables
        self._settled = settled
        self._log = log
        self._timing = timing

    def run(self, end: float) -> None:
        """Do it once, and stop at `end` in monotonic seconds. What fails is done again the next time."""
        try:
            if not self._airflow.lists_conf:
                msg = "The reconciler needs Airflow 2 or 3: 1.10 lists all runs at once, and without conf."
                self._log.warning("reconcile.not_offered", message=msg)
                return
            self._reconcile(end)
        except RetryableError as error:
            self._log.warning("reconcile.failed", reason=error.code, message=str(error))

    def _reconcile(self, end: float) -> None:
        now, routes = self._timing.now(), self._routes.current()
        route_ids = {route.id for route in routes.routes}
        window = Window(
            since=now - self._window,
            # The event of a younger file may be on its way.
            until=now - timedelta(seconds=self._timing.event_seconds),
            first_seen=self._settled.first_seen(route_ids),
        )
        known = what_is_known(
            Known(account=account_from_url(self._watched.endpoint), route_ids=route_ids),
            self._tables,
            routes,
            ask=self._airflow.ask,
            since=window.since,
        )
        counts = dict.fromkeys(Verdict, 0)
        for judged in judge(self._blobs(routes), routes=routes, known=known, window=window):
            counts[judged.verdict] += 1
            self._settle(judged, counts)
            if self._timing.clock() >= end:
                msg = "There are more files than one run can look at; `blob-to-dag backfill` has no limit."
                self._log.warning("reconcile.unfinished", message=msg)
                break
        self._log.info(
            "reconcile.done",
            known=counts[Verdict.KNOWN],
            missing=counts[Verdict.MISSING],
            changed=counts[Verdict.CHANGED],
            older=counts[Verdict.OLDER],
        )

    def _blobs(self, routes: RouteTable) -> Iterator[Listed]:
        """List the blobs below the fixed beginnings of the routes' patterns."""
        heads = {route.match.head for route in routes.routes if not route.ignore}
        for container in sorted(self._watched.containers()):
            for prefix in _prefixes(container, heads):
                yield from self._reader.blobs(container, prefix)

    def _settle(self, judged: Judged, counts: dict[Verdict, int]) -> None:
        pending = judged.pending
        if judged.verdict is Verdict.MISSING:
            message = "No event came for this file; the reconciler found it."
            self._outbox.park(replace(pending, reason=NO_EVENT, message=message))
            self._log.warning(
                "reconcile.found", blob=pending.path, route=pending.lane.route_id, run_id=pending.run_id
            )
        elif judged.verdict is Verdict.CHANGED and counts[Verdict.CHANGED] <= _MOST_LISTED:
            self._log.info("reconcile.changed", blob=pending.path, route=pending.lane.route_id)


def _prefixes(container: str, heads: Collection[str]) -> list[str]:
    """Return the beginnings of names in a container that some head allows, none of them below another."""
    folder = f"{container}/"
    if any(folder.startswith(head) for head in heads):
        return [""]
    prefixes = {head.removeprefix(folder) for head in heads if head.startswith(folder)}
    return sorted(
        prefix
        for prefix in prefixes
        if not any(prefix.startswith(other) for other in prefixes if other != prefix)
    )
