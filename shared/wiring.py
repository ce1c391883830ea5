"""`Parts`: what the functions need, built once from the settings."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from shared.airflow.build import build_airflow_client
from shared.config.bindings import BLOB_FUNCTION
from shared.config.load import load_configuration
from shared.delivery.backoff import Delays
from shared.delivery.circuit_breaker import airflow_breaker, credentials_breaker
from shared.delivery.guarded_client import Gate
from shared.delivery.places import NewMessage
from shared.delivery.rate_limits import Pace
from shared.delivery.retry import Retrier
from shared.delivery_context import Turn, send_at_once, send_by_dispatcher
from shared.event_log import EventLog
from shared.ingest import Intake
from shared.jobs.dispatcher import Dispatcher
from shared.jobs.redrive import Collector
from shared.sources.blob_trigger import BlobTriggerSource
from shared.sources.event_queue import EventQueueSource
from shared.storage.accounts import StorageAccount
from shared.storage.blob_reader import LandingAccount
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Parking
from shared.timing import PARK_MAX_DELAY_SECONDS, PARK_MIN_DELAY_SECONDS, Timing
from shared.trigger import Rules, Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The ways into the app."""

    blob_trigger: BlobTriggerSource
    event_queue: EventQueueSource
    dispatcher: Dispatcher
    collector: Collector


def build_parts(environ: Mapping[str, str], log: EventLog, timing: Timing) -> Parts:
    """Build everything; opens no connection.

    Raises:
        Misconfigured: With every fault of settings and routes.
    """
    # The SDK logs every request and its headers at INFO, which is the level of the worker.
    logging.getLogger("azure").setLevel(logging.WARNING)
    settings, routes = load_configuration(environ)
    landing_account = StorageAccount(settings.landing, threads=settings.threads)
    host_account = StorageAccount(settings.host, threads=settings.threads)
    landing = LandingAccount(landing_account)
    parking = Parking(host_account.queues, visibility_seconds=timing.visibility_seconds)
    dead_letters = DeadLetters(host_account.blobs, log)
    client = build_airflow_client(settings, environ, log)
    gate = Gate(
        client,
        (airflow_breaker(log, timing), credentials_breaker(log, timing)),
        max_concurrency=settings.airflow_max_concurrency,
    )
    rules = Rules(
        airflow_url=settings.airflow_base_url,
        former_urls=settings.airflow_former_urls,
        clock=timing.clock,
        missing_dag_max_age=settings.missing_dag_max_age,
        delays=Delays(least_seconds=PARK_MIN_DELAY_SECONDS, most_seconds=PARK_MAX_DELAY_SECONDS),
    )
    trigger = Trigger(routes=routes, airflow=gate, graveyard=dead_letters, log=log, rules=rules)
    caps = (settings.airflow_max_runs_per_minute, settings.airflow_max_queued_runs)
    live = Turn(
        place=NewMessage(parking=parking),
        retry=Retrier(
            budget_seconds=settings.airflow_retry_budget_seconds, clock=timing.clock, sleep=timing.sleep
        ),
        admit=send_at_once if caps == (None, None) else send_by_dispatcher,
    )
    intake = Intake(landing, lambda event, api: routes.needs_head(event, api=api), trigger, log)
    return Parts(
        blob_trigger=BlobTriggerSource(intake=intake, turn=live),
        event_queue=EventQueueSource(intake=intake, turn=live, dead_letters=dead_letters, log=log),
        dispatcher=Dispatcher(
            parking=parking,
            trigger=trigger,
            intake=intake,
            dead_letters=dead_letters,
            gate=gate,
            pace=Pace(gate, max_runs_per_minute=caps[0], max_queued_runs=caps[1], clock=timing.clock),
            log=log,
            parallelism=settings.airflow_max_concurrency,
            timing=timing,
        ),
        collector=Collector(
            landing_queues=landing_account.queues,
            host_queues=host_account.queues,
            host_blobs=host_account.blobs,
            parking=parking,
            dead_letters=dead_letters,
            log=log,
            functions={BLOB_FUNCTION},
            watched=settings.bindings.container,
            timing=timing,
            by_event=settings.bindings.is_queue_mode,
        ),
    )
