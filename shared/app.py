"""`App`: what stands behind function_app.py, built on first use, once."""

import os
import threading
from collections.abc import Mapping

from shared.config.bindings import LANDING_CONNECTION
from shared.config.settings import HOST_CONNECTION
from shared.config.storage_connection import StorageConnection
from shared.delivery.backoff import Delays
from shared.event_log import EventLog
from shared.model.errors import BadEvent, Misconfigured
from shared.model.pending import Parked
from shared.sources.event_grid import parked_from_event_grid
from shared.storage.accounts import StorageAccount
from shared.storage.outbox import Parking
from shared.timing import Timing
from shared.wiring import Parts, build_parts

_MISCONFIGURED_DELAYS = Delays(least_seconds=30, most_seconds=30)


class App:
    """The ways into the app, one for each function.

    Nothing is read or opened at import: an app that fails there has no functions, and events for an app
    without functions are dropped without a word. With unusable settings, events are parked as they come and
    flow when the settings are mended (which starts the app anew); the fault is logged once, not once a blob.
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
        self._parts: Parts | None = None
        self._fault: Misconfigured | None = None
        self._parking: Parking | None = None

    def on_blob(self, container: str, name: str, *, traceparent: str | None = None) -> None:
        """Handle one call of the blob trigger; afterwards every run of the blob is delivered or kept.

        Raises:
            BlobToDagError: The event could not even be kept: the host will call again.
        """
        parts = self._built()
        if isinstance(parts, Misconfigured):
            self._park([Parked(container=container, name=name)], parts)
        else:
            parts.blob_trigger.handle(container, name, traceparent=traceparent)

    def on_event(self, body: bytes, *, traceparent: str | None = None) -> None:
        """Handle one message of the event queue, as `on_blob`."""
        parts = self._built()
        if isinstance(parts, Misconfigured):
            try:
                self._park(list(parked_from_event_grid(body)), parts)
            except BadEvent:
                # Dead letters need usable settings: the message stays in the platform's queues.
                raise parts from None
        else:
            parts.event_queue.handle(body, traceparent=traceparent)

    def dispatch(self) -> None:
        """Collect what the platform gave up on and deliver what is parked, while there is work and time.

        Raises:
            StorageUnavailable: The queue cannot be read; the next tick tries again.
        """
        parts = self._built()
        if isinstance(parts, Misconfigured):
            return
        parts.collector.run()
        parts.dispatcher.run()

    def _built(self) -> Parts | Misconfigured:
        with self._lock:
            if self._parts is None and self._fault is None:
                try:
                    self._parts = build_parts(self._environ, self._log, self._timing)
                except Misconfigured as fault:
                    self._fault = fault
                    self._log.error("app.misconfigured", message=str(fault))
                except Exception as error:  # noqa: BLE001  (an SDK that does not take a connection string)
                    # Its type only: the text may repeat a key.
                    msg = (
                        f"The app cannot be built from its settings ({type(error).__name__}). "
                        f"Is a connection string malformed ({HOST_CONNECTION}, {LANDING_CONNECTION})?"
                    )
                    self._fault = Misconfigured(msg)
                    self._log.error("app.misconfigured", message=msg)
            # A fresh exception each time: one that is raised again collects tracebacks.
            return self._parts or Misconfigured(str(self._fault))

    def _park(self, heard: list[Parked], fault: Misconfigured) -> None:
        """Park with the one setting that this needs; without it fail, and the platform tries again."""
        with self._lock:
            if self._parking is None:
                try:
                    connection = StorageConnection.from_env(self._environ, HOST_CONNECTION)
                    account = StorageAccount(connection, threads=4)
                except ValueError:
                    raise fault from None
                self._parking = Parking(account.queues, visibility_seconds=self._timing.visibility_seconds)
        for parked in heard:
            again = parked.again(fault, pin=None)
            self._parking.park(again, delay_seconds=_MISCONFIGURED_DELAYS.after(fault, failures=1))
            self._log.info("run.parked", blob=parked.path, reason=fault.code)
