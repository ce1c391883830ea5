"""The composition root: builds what the functions need, on first use, once."""

import logging
import os
import threading
from collections.abc import Mapping

from shared.airflow.client import AirflowClient
from shared.airflow.credentials import EnvironmentCredentials
from shared.airflow.http import AirflowHttp
from shared.airflow.token_auth import TokenAuth
from shared.airflow.v2 import V2
from shared.errors import Misconfigured
from shared.event_log import EventLog
from shared.landing import LandingAccount
from shared.retry import Retrier
from shared.settings import Settings
from shared.sources.blob_trigger import BlobTriggerSource
from shared.storage import StorageAccount
from shared.trigger import Trigger


class App:
    """What stands behind function_app.py.

    Nothing is read or opened at import: an app that fails there has no functions, and events for an app
    without functions are dropped without a word. Unusable settings fail each invocation instead, so that the
    platform tries again, and are logged once.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ, log: EventLog | None = None) -> None:
        self._environ = environ
        self._log = log or EventLog()
        self._lock = threading.Lock()
        self._source: BlobTriggerSource | None = None
        self._fault = ""

    def on_blob(self, container: str, name: str, *, traceparent: str | None = None) -> None:
        """Handle one call of the blob trigger; returns once every run of the blob is in Airflow.

        Raises:
            BlobToDagError: The event was not delivered; the host will call again.
        """
        self._blob_source().handle(container, name, traceparent=traceparent)

    def _blob_source(self) -> BlobTriggerSource:
        with self._lock:
            if self._fault:
                raise Misconfigured(self._fault)
            if self._source is None:
                try:
                    self._source = self._build()
                except Misconfigured as fault:
                    self._fault = str(fault)
                    self._log.error("app.misconfigured", message=self._fault)
                    raise
            return self._source

    def _build(self) -> BlobTriggerSource:
        # The SDK logs every request and its headers at INFO, which is the level of the worker.
        logging.getLogger("azure").setLevel(logging.WARNING)
        settings = Settings.from_env(self._environ)
        http = AirflowHttp(
            settings.airflow_base_url,
            threads=settings.threads,
            connect_timeout_seconds=settings.airflow_connect_timeout_seconds,
            read_timeout_seconds=settings.airflow_read_timeout_seconds,
        )
        auth = TokenAuth(http, EnvironmentCredentials(self._environ))
        client = AirflowClient(http, V2(), auth, conf_max_bytes=settings.conf_max_bytes)
        retrier = Retrier(budget_seconds=settings.airflow_retry_budget_seconds)
        trigger = Trigger(client, retrier, self._log, dag_id=settings.airflow_dag_id)
        landing = LandingAccount(StorageAccount(settings.landing, threads=settings.threads))
        return BlobTriggerSource(landing, trigger, self._log)
