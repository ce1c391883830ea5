"""`Services`: what the functions need, built once from the settings."""

import logging
from collections.abc import Callable, Mapping

import msgspec

from shared.airflow.build import build_airflow_client
from shared.assembly import assemble, watched_by
from shared.config.bindings import BLOB_FUNCTION
from shared.config.budget import invocation_seconds
from shared.config.load import load_configuration, read_table
from shared.config.settings import Settings
from shared.config.unknown import unknown_settings
from shared.delivery.retry import Retrier, is_storage_failure
from shared.event_log import EventLog
from shared.ingest import Ingest
from shared.jobs.dispatcher import Dispatcher
from shared.jobs.outbox_report import OutboxReport
from shared.jobs.redrive import Redrive
from shared.jobs.upkeep import Upkeep
from shared.model.errors import Misconfigured, StorageUnavailable
from shared.routes.table import Routes, RouteTable
from shared.storage import dead_letters as dead
from shared.storage import outbox as waiting
from shared.storage import settled as claims
from shared.storage.accounts import StorageAccount
from shared.storage.blob_reader import BlobReader
from shared.storage.dead_letters import DeadLetters
from shared.storage.drain_lease import DrainLease
from shared.storage.outbox import Outbox
from shared.storage.routes_blob import RoutesBlob
from shared.storage.seals import Seals
from shared.storage.settled import Settled
from shared.storage.tables import Table
from shared.timing import Timing


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The ways into the app.

    Attributes:
        ingest: Takes new events.
        dispatcher: Drains the outbox.
        redrive: Takes back what the platform gave up on.
        report: Logs what waits and what is dead.
        upkeep: Notes new routes, and sweeps old claims.
        limit_seconds: How long an invocation may begin requests to Airflow.
        refresh_routes: Looks for newer routes, where they are a blob.
        reconcile: Finds files whose event never came, until the end that it is given (monotonic seconds).
    """

    ingest: Ingest
    dispatcher: Dispatcher
    redrive: Redrive
    report: OutboxReport
    upkeep: Upkeep
    limit_seconds: float
    refresh_routes: Callable[[], None]
    reconcile: Callable[[float], None]


def build_services(environ: Mapping[str, str], log: EventLog, timing: Timing) -> Services:
    """Build everything; opens no connection.

    Raises:
        Misconfigured: With every fault of settings and routes.
    """
    # The SDK logs every request and its headers at INFO, which is the level of the worker.
    logging.getLogger("azure").setLevel(logging.WARNING)
    settings, table = load_configuration(environ)
    for sentence in unknown_settings(environ):
        log.warning("setting.unknown", message=sentence)
    landing = StorageAccount(settings.landing, threads=settings.threads)
    host = StorageAccount(settings.host, threads=settings.threads)
    outbox = build_outbox(host, timing)
    dead_letters = DeadLetters(Table(host, dead.TABLE), log, now=timing.now)
    settled = Settled(Table(host, claims.TABLE), now=timing.now)
    routes, refresh_routes = _routes(settings, table, host, log, timing)
    watched = watched_by(settings, routes)
    airflow = build_airflow_client(settings, environ, log)
    reader = BlobReader(landing)
    ingest, dispatcher = assemble(
        settings=settings,
        routes=routes,
        airflow=airflow,
        reader=reader,
        outbox=outbox,
        dead_letters=dead_letters,
        settled=settled,
        seals=Seals(Table(host, waiting.TABLE)),
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
        watched=watched.is_ours,
        by_event=settings.bindings.is_queue_mode,
        timing=timing,
    )
    report = OutboxReport(
        outbox=outbox,
        dead_letters=dead_letters,
        log=log,
        timing=timing,
        owner_of=lambda route_id: routes.current().owner_of(route_id),
    )
    upkeep = Upkeep(settled=settled, routes=routes, log=log, timing=timing)

    def reconcile(end: float) -> None:
        # Off by default: a cold start need not wait for it.
        from shared.jobs.lookout import Tables  # noqa: PLC0415
        from shared.jobs.reconciler import Reconciler  # noqa: PLC0415

        Reconciler(
            airflow=airflow,
            reader=reader,
            watched=watched,
            window=settings.reconcile_window,
            routes=routes,
            outbox=outbox,
            tables=Tables(
                waiting=Table(host, waiting.TABLE),
                dead=Table(host, dead.TABLE),
                settled=Table(host, claims.TABLE),
            ),
            settled=settled,
            log=log,
            timing=timing,
        ).run(end)

    return Services(
        ingest=ingest,
        dispatcher=dispatcher,
        redrive=redrive,
        report=report,
        upkeep=upkeep,
        limit_seconds=invocation_seconds(settings, timing),
        refresh_routes=refresh_routes,
        reconcile=reconcile,
    )


def _routes(
    settings: Settings, table: RouteTable | None, host: StorageAccount, log: EventLog, timing: Timing
) -> tuple[Routes, Callable[[], None]]:
    """Return where the routes come from, and what looks for newer ones."""
    if table is not None:
        return table, lambda: None
    routes = RoutesBlob(
        host.blobs,
        settings.routes_blob,
        read=lambda text: read_table(settings, text, origin="ROUTES_BLOB"),
        log=log,
        clock=timing.clock,
    )
    try:
        routes.current()
    except StorageUnavailable as error:
        raise Misconfigured(str(error)) from error
    return routes, routes.refresh


def build_outbox(host: StorageAccount, timing: Timing) -> Outbox:
    """Build the outbox of a host account, which is all that a misconfigured app needs."""
    retry = Retrier(
        budget_seconds=timing.park_seconds,
        is_worth_it=is_storage_failure,
        clock=timing.clock,
        sleep=timing.sleep,
    )
    return Outbox(Table(host, waiting.TABLE), now=timing.now, retry=retry)
