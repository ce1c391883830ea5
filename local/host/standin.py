"""The stand-in for the host: the app in the real Python runtime, behind listeners of our own."""

import threading
from typing import Any

from local.host import webhook
from local.host.admin import STATUS_PATH, Admin, status_response
from local.host.functions import HTTP_TRIGGER, Function, FunctionError, is_disabled, of_kind
from local.host.host_id import host_id_of
from local.host.host_json import HostJson
from local.host.host_log import Log
from local.host.http_message import NOT_FOUND, UNAUTHORIZED, Request, Response
from local.host.http_server import HttpServer
from local.host.invoker import Invoker
from local.host.keys import HostKeys, load_keys
from local.host.listeners import Listeners
from local.host.parts import HostParts
from local.host.routes import Route, Routes
from local.host.settings import SettingError
from local.host.standin_options import StandInOptions
from local.host.state_file import HostState
from local.host.storage import HOST_CONNECTION, StorageAccounts
from local.host.workers import IndexingError, Workers


class StandIn:
    """The host; `run` it until it is told to stop."""

    def __init__(self, options: StandInOptions, *, log: Log) -> None:
        self._options = options
        self._log = log
        self._host_json = HostJson.load(options.app, options.settings)
        self._host_id = host_id_of(options.app, options.settings)
        self._accounts = StorageAccounts(options.settings)
        self._errors: dict[str, str] = {}
        self._keys: HostKeys | None = None
        self._server = HttpServer(port=options.port, answer=self._not_ready)
        self._workers = Workers(options=options, log=log, on_change=self._tell_state)
        timeout = self._host_json.function_timeout_seconds or options.times.function_timeout
        self._invoker = Invoker(workers=self._workers, log=log, timeout_seconds=timeout)

    def run(self, stopping: threading.Event) -> int:
        """Load the app and serve until `stopping` is set; return the exit code."""
        try:
            metadata = self._workers.start()
            listeners = self._open(metadata)
        except Exception as exc:  # noqa: BLE001 (whatever it is, an app without functions loses events silently)
            kind = (
                "Worker failed to index functions"
                if isinstance(exc, IndexingError)
                else "Host failed to start"
            )
            self._complain(f"{kind}: {exc}", stopping)
            self._workers.close()
            self._server.stop()
            return 1
        stopping.wait()
        self._log("Stopping JobHost")
        listeners.stop()
        if not self._invoker.drain(self._options.times.drain):
            self._log("Some functions still run; their messages come back later.", level="Warning")
        self._workers.close()
        self._server.stop()
        return 0

    def _complain(self, message: str, stopping: threading.Event) -> None:
        """Say again and again that no function runs; the real host does not end either."""
        self._errors["host"] = message
        while not stopping.is_set():
            self._log(message, level="Critical")
            self._log("0 functions loaded. No event will be handled until this is mended.", level="Critical")
            stopping.wait(self._options.times.index_error_repeat)

    def _open(self, metadata: list[dict[str, Any]]) -> Listeners:
        functions = self._functions(metadata)
        has_storage = any(name.split("__")[0] == HOST_CONNECTION for name in self._options.settings)
        if not has_storage and any(function.kind != HTTP_TRIGGER for function in functions):
            msg = f"Missing value for {HOST_CONNECTION}. This is required for all triggers other than HTTP."
            raise SettingError(msg)
        blobs = self._accounts.blobs(HOST_CONNECTION) if has_storage else None
        keys = load_keys(blobs=blobs, host_id=self._host_id)
        self._keys = keys
        parts = HostParts(
            invoker=self._invoker,
            accounts=self._accounts,
            host_id=self._host_id,
            host_json=self._host_json,
            times=self._options.times,
            log=self._log,
        )
        listeners = Listeners(functions=functions, parts=parts)
        self._errors |= listeners.errors
        self._server.use(self._front(functions, listeners, keys if self._options.needs_keys else None))
        listeners.start()
        self._report(functions)
        self._tell_state()
        return listeners

    def _functions(self, metadata: list[dict[str, Any]]) -> list[Function]:
        functions: list[Function] = []
        for item in metadata:
            if is_disabled(item["name"], self._options.settings):
                self._log(f"Function {item['name']} is disabled")
                continue
            if item["has_retry"]:
                # SDK Indexers/FunctionIndexer.cs, CheckRetrySupport. This host never runs such a policy.
                self._log(
                    f"Soon retries will not be supported for function '{item['name']}'.", level="Warning"
                )
            try:
                functions.append(Function.from_metadata(item, self._options.settings))
            except (FunctionError, SettingError) as exc:
                self._errors[item["name"]] = str(exc)
        return functions

    def _front(self, functions: list[Function], listeners: Listeners, keys: HostKeys | None) -> Any:
        routes = Routes(
            routes=[
                Route.of(function, prefix=self._host_json.route_prefix)
                for function in of_kind(functions, HTTP_TRIGGER)
            ],
            invoker=self._invoker,
            keys=keys,
        )
        by_hand = listeners.by_hand
        admin = Admin(
            functions={function.name: function for function in functions if function.name in by_hand},
            run=lambda function, text: by_hand[function.name](text),
            keys=keys,
            log=self._log,
        )
        queue = listeners.blob_queue
        hook = webhook.Webhook(queue=queue, log=self._log) if queue is not None else None

        def answer(request: Request) -> Response:
            if request.path.startswith("/admin/"):
                return admin.answer(request)
            if request.path.rstrip("/").lower() == webhook.PATH:
                if keys is not None and not keys.allows(request.key, level="system"):
                    return UNAUTHORIZED
                return hook.answer(request) if hook is not None else NOT_FOUND
            return routes.answer(request)

        return answer

    def _not_ready(self, request: Request) -> Response:
        if request.path == STATUS_PATH:
            errors = list(self._errors.values())
            return status_response("Error" if errors else "Starting", errors=errors)
        return Response(status=503)

    def _report(self, functions: list[Function]) -> None:
        for name, error in self._errors.items():
            self._log(f"The '{name}' function is in error: {error}", level="Error")
        names = "\n".join(f"\t{function.name}: {function.kind}" for function in functions)
        self._log(f"Functions:\n{names}" if functions else "No job functions found.")
        self._log(f"Now listening on: {self._server.url}")
        self._log(f"Host started (Id={self._host_id}). Worker processes: {self._workers.pids}")

    def _tell_state(self) -> None:
        path, keys = self._options.state_file, self._keys
        if path is not None and keys is not None:
            HostState(
                url=self._server.url,
                worker_pids=tuple(self._workers.pids),
                system_key=keys.system,
                function_key=keys.function,
                master_key=keys.master,
            ).write(path)
