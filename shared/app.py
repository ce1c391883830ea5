"""`App`: what stands behind function_app.py, built on first use, once."""

import os
import threading
from collections.abc import Mapping
from dataclasses import replace

from shared.airflow.time_limit import time_limit
from shared.config.bindings import LANDING_CONNECTION
from shared.config.settings import HOST_CONNECTION
from shared.config.storage_connection import StorageConnection
from shared.event_log import EventLog
from shared.model.errors import BadEvent, Misconfigured
from shared.model.pending import Pending
from shared.sources.event_grid import pending_from_event_grid
from shared.storage.accounts import StorageAccount
from shared.storage.drain_lease import LEASE_SECONDS
from shared.storage.outbox import Outbox
from shared.timing import Timing
from shared.wiring import Services, build_outbox, build_services

_REDRIVE_SHARE = 0.25
_REPORT_SHARE = 0.125
_BUILD_AGAIN_SECONDS = 60.0


class App:
    """The ways into the app, one for each function.

    Nothing is read or opened at import: an app that fails there has no functions, and the platform drops
    events for an app without functions. With unusable settings, events are written to the outbox as they come
    and flow when the settings are corrected (which restarts the app); the fault is logged once.
    """

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        log: EventLog | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._environ = environ
        self._log = log or EventLog()
        self._timing = timing or Timing()
        self._lock = threading.Lock()
        self._services: Services | None = None
        self._fault: Misconfigured | None = None
        self._build_at = self._say_at = float("-inf")
        self._outbox: Outbox | None = None

    def on_blob(self, container: str, name: str, *, traceparent: str | None = None) -> None:
        """Handle one call of the blob trigger; afterwards every run of the blob is delivered or kept.

        Raises:
            BlobToDagError: The event could not even be kept: the host will call again.
        """
        services = self._built()
        pending = Pending(container=container, name=name, traceparent=traceparent)
        if isinstance(services, Misconfigured):
            self._park([pending], services)
            return
        with time_limit(services.limit_seconds):
            services.ingest.take(pending)
            services.refresh_routes()
            services.dispatcher.after_event()

    def on_event(self, body: bytes, *, traceparent: str | None = None) -> None:
        """Handle one message of the event queue, as `on_blob`."""
        services = self._built()
        if isinstance(services, Misconfigured):
            try:
                events = [replace(event, traceparent=traceparent) for event in pending_from_event_grid(body)]
                self._park(events, services)
            except BadEvent:
                # It stays in the platform's queues until the settings are usable.
                raise services from None
            return
        with time_limit(services.limit_seconds):
            services.ingest.take_message(body, traceparent=traceparent)
            services.refresh_routes()
            services.dispatcher.after_event()

    def dispatch(self) -> None:
        """Take back what the platform gave up on, drain the outbox and log its state, while there is time.

        Raises:
            StorageUnavailable: The outbox cannot be read; the next tick tries again.
        """
        services = self._built()
        now, seconds = self._timing.clock(), self._timing.dispatch_seconds
        if isinstance(services, Misconfigured):
            if now >= self._say_at:
                self._say(services)
            return
        with time_limit(services.limit_seconds):
            services.refresh_routes()
            services.redrive.run(now + seconds * _REDRIVE_SHARE)
            services.dispatcher.drain(now + seconds * (1 - _REPORT_SHARE), patience_seconds=LEASE_SECONDS)
            services.report.write(self._timing.clock() + seconds * _REPORT_SHARE)
            services.upkeep.run()

    def reconcile(self) -> None:
        """Find files whose event never came, and write them to the outbox."""
        services = self._built()
        if not isinstance(services, Misconfigured):
            services.reconcile(self._timing.clock() + self._timing.reconcile_seconds)

    def _built(self) -> Services | Misconfigured:
        with self._lock:
            if self._services is None and self._timing.clock() >= self._build_at:
                self._build()
            # A fresh exception each time: one that is raised again collects tracebacks.
            return self._services or Misconfigured(str(self._fault))

    def _build(self) -> None:
        try:
            self._services = build_services(self._environ, self._log, self._timing)
        except Misconfigured as error:
            # A setting that is corrected restarts the app; a blob with routes does not.
            fault = error
            may_pass = self._environ.get("ROUTES_BLOB", "").strip()
            self._build_at = self._timing.clock() + _BUILD_AGAIN_SECONDS if may_pass else float("inf")
        except Exception as error:  # noqa: BLE001  (an SDK that does not take a connection string)
            # Its type only: the text may repeat a key. It may also pass.
            msg = (
                f"The app cannot be built from its settings ({type(error).__name__}). "
                f"Is a connection string malformed ({HOST_CONNECTION}, {LANDING_CONNECTION})?"
            )
            fault, self._build_at = Misconfigured(msg), self._timing.clock() + _BUILD_AGAIN_SECONDS
        else:
            return
        if str(fault) != str(self._fault):
            self._say(fault)
        self._fault = fault

    def _say(self, fault: Misconfigured) -> None:
        self._log.error("app.misconfigured", message=str(fault))
        self._say_at = self._timing.clock() + self._timing.report_seconds

    def _park(self, events: list[Pending], fault: Misconfigured) -> None:
        """Write to the outbox, which needs one setting; without it fail, and the platform retries."""
        with self._lock:
            if self._outbox is None:
                try:
                    connection = StorageConnection.from_env(self._environ, HOST_CONNECTION)
                    self._outbox = build_outbox(StorageAccount(connection, threads=4), self._timing)
                except ValueError:
                    raise fault from None
        for pending in events:
            self._outbox.park(pending.after(fault, now=self._timing.now()))
            self._log.info("run.waiting", blob=pending.path, reason=fault.code)
