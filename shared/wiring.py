"""`Services`: what the functions need, built once from the settings."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from shared.airflow.build import build_airflow_client
from shared.config.bindings import BLOB_FUNCTION
from shared.config.load import load_configuration
from shared.config.settings import Settings
from shared.config.unknown import unknown_settings
from shared.delivery.guarded_client import Airflow, GuardedClient
from shared.delivery.holds import Holds
from shared.delivery.permits import Permits
from shared.delivery.rate_limits import Caps
from shared.delivery.retry import Retrier, is_storage_failure
from shared.event_log import EventLog
from shared.ingest import Ingest
from shared.jobs.dispatcher import Dispatcher
from shared.jobs.drain import Drain
from shared.jobs.redrive import Redrive
from shared.jobs.row_settler import RowSettler
from shared.jobs.row_worker import Grace, RowWorker
from shared.routes.table import RouteTable
from shared.settlement import Settlement
from shared.sources.watched import Watched
from shared.storage import dead_letters as dead
from shared.storage import outbox as waiting
from shared.storage.accounts import StorageAccount
from shared.storage.blob_reader import BlobReader
from shared.storage.dead_letters import DeadLetters
from shared.storage.drain_lease import DrainLease, Handover
from shared.storage.outbox import Outbox
from shared.storage.tables import Table
from shared.timing import Timing
from shared.trigger import Policy, Trigger

_DRAIN_RETRY_SECONDS = 3.0
"""In a drain the outbox is the retry; a second try tells a hiccup from a row that is in trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The ways into the app."""

    ingest: Ingest
    dispatcher: Dispatcher
    redrive: Redrive


def build_services(environ: Mapping[str, str], log: EventLog, timing: Timing) -> Services:
    """Build everything; opens no connection.

    Raises:
        Misconfigured: With every fault of settings and routes.
    """
    # The SDK logs every request and its headers at INFO, which is the level of the worker.
    logging.getLogger("azure").setLevel(logging.WARNING)
    settings, routes = load_configuration(environ)
    for sentence in unknown_settings(environ):
        log.warning("setting.unknown", message=sentence)
    landing = StorageAccount(settings.landing, threads=settings.threads)
    host = StorageAccount(settings.host, threads=settings.threads)
    outbox = build_outbox(host, timing)
    dead_letters = DeadLetters(Table(host, dead.TABLE), log, now=timing.now)
    ingest, dispatcher = assemble(
        settings=settings,
        routes=routes,
        airflow=build_airflow_client(settings, environ, log),
        reader=BlobReader(landing),
        outbox=outbox,
        dead_letters=dead_letters,
        lease=DrainLease(host.blobs),
        log=log,
        timing=timing,
    )
    redrive = Redrive(
        landing_queues=landing.queues,
        host_queues=host.queues,
        host_blobs=host.blobs,
        outbox=outbox,
        dead_letters=dead_letters,
        log=log,
        functions={BLOB_FUNCTION},
        watched=settings.bindings.container,
        by_event=settings.bindings.is_queue_mode,
        timing=timing,
    )
    return Services(ingest=ingest, dispatcher=dispatcher, redrive=redrive)


def assemble(
    *,
    settings: Settings,
    routes: RouteTable,
    airflow: Airflow,
    reader: BlobReader,
    outbox: Outbox,
    dead_letters: DeadLetters,
    lease: DrainLease,
    log: EventLog,
    timing: Timing,
) -> tuple[Ingest, Dispatcher]:
    """Put the way of an event together, from whatever stands for Airflow and storage."""
    holds = Holds(outbox.state, clock=timing.clock)
    permits = Permits(
        settings.airflow_max_concurrency, patience_seconds=settings.airflow_retry_budget_seconds
    )
    client = GuardedClient(airflow, permits, clock=timing.clock)
    caps = (settings.airflow_max_runs_per_minute, settings.airflow_max_queued_runs)

    def retrier(seconds: float) -> Retrier:
        return Retrier(budget_seconds=seconds, clock=timing.clock, sleep=timing.sleep)

    watched = Watched(endpoint=settings.landing.blob_url, container=settings.bindings.container)
    drain_requested = threading.Event()
    settlement = Settlement(
        outbox=outbox,
        dead_letters=dead_letters,
        holds=holds,
        log=log,
        airflow_url=settings.airflow_base_url,
        now=timing.now,
        request_drain=drain_requested.set,
    )
    policy = Policy(
        airflow_url=settings.airflow_base_url,
        former_urls=settings.airflow_former_urls,
        is_capped=caps != (None, None),
        live_seconds=timing.live_seconds,
        retry=retrier(settings.airflow_retry_budget_seconds),
        clock=timing.clock,
    )
    trigger = Trigger(
        routes=routes, airflow=client, settlement=settlement, holds=holds, log=log, policy=policy
    )
    ingest = Ingest(
        watched=watched,
        reader=reader,
        routes=routes,
        trigger=trigger,
        settlement=settlement,
        outbox=outbox,
        dead_letters=dead_letters,
        log=log,
    )
    worker = RowWorker(
        trigger=trigger,
        settlement=settlement,
        ingest=ingest,
        airflow=client,
        outbox=outbox,
        dead_letters=dead_letters,
        retry=retrier(_DRAIN_RETRY_SECONDS),
        grace=Grace(age=settings.missing_dag_max_age, now=timing.now),
        watched=watched,
    )

    def make_drain(handover: Handover, end: float) -> Drain:
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
        )

    dispatcher = Dispatcher(
        outbox=outbox,
        lease=lease,
        holds=holds,
        make_drain=make_drain,
        requested=drain_requested,
        log=log,
        timing=timing,
    )
    return ingest, dispatcher


def build_outbox(host: StorageAccount, timing: Timing) -> Outbox:
    """Build the outbox of a host account, which is all that a misconfigured app needs."""
    retry = Retrier(
        budget_seconds=timing.park_seconds,
        is_worth_it=is_storage_failure,
        clock=timing.clock,
        sleep=timing.sleep,
    )
    return Outbox(Table(host, waiting.TABLE), now=timing.now, retry=retry)
