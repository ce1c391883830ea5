"""The stand-in for the host: the app in the real Python runtime, behind listeners of our own.

It supports what this app uses: blob triggers with a BlobClient, queue triggers, and timers without monitor.
"""

import secrets
import threading
from typing import Any

from local.host.endpoints import Endpoints, HostKeys, json_response
from local.host.functions import Function, FunctionError
from local.host.host_json import HostJson
from local.host.host_log import Log, brief
from local.host.http_server import HttpServer, Request, Response
from local.host.invoker import HostServices, Invoker
from local.host.listeners import Listeners
from local.host.options import HostOptions
from local.host.running import HostState
from local.host.settings import SettingError, host_id_of, is_disabled
from local.host.storage import StorageAccounts
from local.host.workers import IndexingError, Workers

_STATUS = "/admin/host/status"
_UNAVAILABLE = Response(status=503, body=b"Function host is not running.")


class StandIn:
    """The host; after a failure it starts again, as the platform does.

    Raises:
        HostJsonError: host.json cannot be used.
        OSError: the port is taken.
    """

    def __init__(self, options: HostOptions, *, log: Log) -> None:
        self._options = options
        self._settings = options.environment
        self._times = options.times
        self._log = log
        self._host_json = HostJson.load(options.app, self._settings)
        self._host_id = host_id_of(options.app, self._settings)
        self._accounts = StorageAccounts(self._settings)
        self._keys = HostKeys(master=secrets.token_urlsafe(32), system=secrets.token_urlsafe(32))
        self._changed = threading.Condition()
        self._is_stopping = False
        self._has_failed = False
        self._start_error: str | None = None
        self._workers: Workers | None = None
        self._listeners: Listeners | None = None
        # None while the host is not ready.
        self._endpoints: Endpoints | None = None
        self._server = HttpServer(port=options.port, answer=self._answer)

    def run(self) -> int:
        """Serve until `stop`; return the exit code."""
        while not self._is_stopping:
            self._has_failed = False
            try:
                self._start()
            except Exception as exc:  # noqa: BLE001 (without functions events would be lost silently)
                self._report_start_error(exc)
            with self._changed:
                self._changed.wait_for(lambda: self._is_stopping or self._has_failed)
                self._endpoints = None
            self._close()
            if self._start_error is None:
                self._write_state()
            with self._changed:
                self._changed.wait_for(lambda: self._is_stopping, timeout=self._times.host_restart)
        self._log("Stopping JobHost")
        self._server.stop()
        return 1 if self._start_error else 0

    def stop(self) -> None:
        """Make `run` return; what runs is cut off."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def _start(self) -> None:
        """Load the app and start its listeners.

        Raises:
            IndexingError: the app cannot be loaded.
        """
        workers = Workers(options=self._options, log=self._log, on_change=self._on_workers_changed)
        self._workers = workers
        metadata = workers.start()
        timeout = self._host_json.function_timeout_seconds or self._times.function_timeout
        services = HostServices(
            invoker=Invoker(workers=workers, log=self._log, timeout_seconds=timeout),
            accounts=self._accounts,
            host_id=self._host_id,
            host_json=self._host_json,
            times=self._times,
            log=self._log,
            fail=lambda exc: self._fail(workers, exc),
        )
        errors: dict[str, str] = {}
        functions = self._functions(metadata, errors)
        self._listeners = Listeners(functions=functions, services=services)
        errors |= self._listeners.errors
        self._listeners.start()
        for name, error in errors.items():
            self._log(f"The '{name}' function is in error: {error}", level="Error")
        names = "\n".join(f"\t{function.name}: {function.kind}" for function in functions)
        self._log(f"Functions:\n{names}" if functions else "No job functions found.")
        self._log(f"Now listening on: {self._server.url}")
        self._log(f"Host started (Id={self._host_id}). Worker processes: {workers.pids}")
        with self._changed:
            self._start_error = None
            self._endpoints = Endpoints(
                listeners=self._listeners, invoker=services.invoker, keys=self._keys, log=self._log
            )
            self._changed.notify_all()
        self._write_state()

    def _functions(self, metadata: list[dict[str, Any]], errors: dict[str, str]) -> list[Function]:
        functions: list[Function] = []
        for item in metadata:
            if is_disabled(item["name"], self._settings):
                self._log(f"Function {item['name']} is disabled")
                continue
            try:
                functions.append(Function.from_metadata(item, self._settings))
            except (FunctionError, SettingError) as exc:
                errors[item["name"]] = str(exc)
        return functions

    def _report_start_error(self, exc: Exception) -> None:
        """Log why no function runs; the real host does not end either."""
        kind = (
            "Worker failed to index functions" if isinstance(exc, IndexingError) else "Host failed to start"
        )
        message = f"{kind}: {exc}"
        self._log(message, level="Critical")
        self._log("0 functions loaded. No event is handled until this is fixed.", level="Critical")
        with self._changed:
            self._start_error = message
            self._has_failed = True
            self._changed.notify_all()

    def _fail(self, workers: Workers, exc: Exception) -> None:
        """Stop for an error that no listener handles (HOST WebScriptHostExceptionHandler.cs)."""
        with self._changed:
            if self._workers is not workers or self._has_failed or self._is_stopping:
                return
            self._has_failed = True
            self._endpoints = None
            self._changed.notify_all()
        self._log(f"An unhandled exception has occurred. Host is shutting down.\n{brief(exc)}", level="Error")

    def _close(self) -> None:
        """Stop the listeners and end the workers; what runs is cut off and its messages stay hidden."""
        if self._listeners is not None:
            self._listeners.stop()
        if self._workers is not None:
            self._workers.close()
        self._listeners = self._workers = None

    def _answer(self, request: Request) -> Response:
        if request.path == _STATUS:
            state = "Running" if self._endpoints else "Error" if self._start_error else "Starting"
            errors = [self._start_error] if self._start_error else []
            return json_response({"state": state, "errors": errors})
        with self._changed:
            # HOST Middleware/HostAvailabilityCheckMiddleware.cs
            self._changed.wait_for(
                lambda: self._endpoints or self._start_error or self._is_stopping,
                timeout=self._times.ready_wait,
            )
            endpoints = self._endpoints
        return endpoints.answer(request) if endpoints is not None else _UNAVAILABLE

    def _on_workers_changed(self) -> None:
        if self._endpoints is not None:
            self._write_state()

    def _write_state(self) -> None:
        if self._options.state_path is not None:
            HostState(
                url=self._server.url,
                worker_pids=tuple(self._workers.pids) if self._workers is not None else (),
                system_key=self._keys.system,
                master_key=self._keys.master,
            ).write(self._options.state_path)
