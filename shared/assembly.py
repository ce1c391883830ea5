"""The way of an event, put together from whatever stands for Airflow and storage."""

import threading

from shared.companions import Companions
from shared.config.settings import Settings
from shared.delivery.guarded_client import Airflow, GuardedClient
from shared.delivery.holds import Holds
from shared.delivery.permits import Permits
from shared.delivery.rate_limits import Caps
from shared.delivery.retry import Retrier
from shared.event_log import EventLog
from shared.ingest import Ingest
from shared.jobs.dispatcher import Dispatcher
from shared.routes.table import Routes
from shared.settlement import Settlement
from shared.sources.watched import Watched
from shared.storage.blob_reader import BlobReader
from shared.storage.dead_letters import DeadLetters
from shared.storage.drain_lease import DrainLease, Handover
from shared.storage.outbox import Outbox
from shared.storage.seals import Seals
from shared.storage.settled import Settled
from shared.timing import Timing
from shared.trigger import Policy, Trigger

_DRAIN_RETRY_SECONDS = 3.0
"""In a drain the outbox is the retry; a second try tells a hiccup from a row that is in trouble."""


def watched_by(settings: Settings, routes: Routes) -> Watched:
    """Return what is watched: the one place that says so."""
    trigger = (settings.bindings.container,)
    return Watched(endpoint=settings.landing.blob_url, containers=lambda: routes.current().watch or trigger)


def assemble(
    *,
    settings: Settings,
    routes: Routes,
    airflow: Airflow,
    reader: BlobReader,
    outbox: Outbox,
    dead_letters: DeadLetters,
    settled: Settled,
    seals: Seals,
    lease: DrainLease,
    log: EventLog,
    timing: Timing,
) -> tuple[Ingest, Dispatcher]:
    """Return what takes new events, and what drains the outbox."""
    holds = Holds(outbox.state, clock=timing.clock)
    permits = Permits(
        settings.airflow_max_concurrency, patience_seconds=settings.airflow_retry_budget_seconds
    )
    client = GuardedClient(airflow, permits, clock=timing.clock)
    caps = (settings.airflow_max_runs_per_minute, settings.airflow_max_queued_runs)

    def retrier(seconds: float) -> Retrier:
        return Retrier(budget_seconds=seconds, clock=timing.clock, sleep=timing.sleep)

    watched = watched_by(settings, routes)
    drain_requested = threading.Event()
    settlement = Settlement(
        outbox=outbox,
        dead_letters=dead_letters,
        settled=settled,
        holds=holds,
        log=log,
        airflow_url=settings.airflow_base_url,
        now=timing.now,
        request_drain=drain_requested.set,
        owner_of=lambda route_id: routes.current().owner_of(route_id),
    )
    policy = Policy(
        airflow_url=settings.airflow_base_url,
        former_urls=settings.airflow_former_urls,
        is_capped=caps != (None, None),
        live_seconds=timing.live_seconds,
        retry=retrier(settings.airflow_retry_budget_seconds),
        clock=timing.clock,
    )
    companions = Companions(
        routes=routes,
        reader=reader,
        outbox=outbox,
        dead_letters=dead_letters,
        settlement=settlement,
        log=log,
        now=timing.now,
        request_drain=drain_requested.set,
    )
    trigger = Trigger(
        routes=routes,
        airflow=client,
        settlement=settlement,
        companions=companions,
        holds=holds,
        log=log,
        policy=policy,
    )
    ingest = Ingest(
        watched=watched,
        reader=reader,
        routes=routes,
        trigger=trigger,
        companions=companions,
        settlement=settlement,
        outbox=outbox,
        dead_letters=dead_letters,
        log=log,
    )

    def drain(handover: Handover, end: float) -> int:
        # Few live events need a drain: a cold start does not wait for its import.
        from shared.jobs.drain import Drain  # noqa: PLC0415
        from shared.jobs.row_settler import RowSettler  # noqa: PLC0415
        from shared.jobs.row_worker import Grace, RowWorker  # noqa: PLC0415
        from shared.jobs.sealer import Sealer  # noqa: PLC0415

        worker = RowWorker(
            trigger=trigger,
            settlement=settlement,
            ingest=ingest,
            companions=companions,
            sealer=Sealer(
                seals=seals,
                outbox=outbox,
                settled=settled,
                dead_letters=dead_letters,
                routes=routes,
                log=log,
                now=timing.now,
                conf_max_bytes=settings.conf_max_bytes,
            ),
            airflow=client,
            outbox=outbox,
            dead_letters=dead_letters,
            retry=retrier(_DRAIN_RETRY_SECONDS),
            grace=Grace(age=settings.missing_dag_max_age, now=timing.now),
            watched=watched,
        )
        return Drain(
            outbox=outbox,
            worker=worker,
            settler=RowSettler(outbox=outbox, settlement=settlement, log=log, timing=timing),
            permits=permits,
            caps=Caps(
                max_runs_per_minute=caps[0],
                max_queued_runs=caps[1],
                next_free=handover.next_free,
                now=timing.now,
                clock=timing.clock,
            ),
            handover=handover,
            log=log,
            timing=timing,
            end=end,
        ).run()

    dispatcher = Dispatcher(
        outbox=outbox,
        lease=lease,
        holds=holds,
        drain_once=drain,
        requested=drain_requested,
        log=log,
        timing=timing,
    )
    return ingest, dispatcher
