"""A worker process: the app in Microsoft's `azure-functions-runtime`, driven over a socket.

`python -m local.worker --fd N --app DIR`. Messages from the host: `load` (once), then `invoke`.
Messages to the host: `indexed`, `done`, `log`. It ends when the host closes the socket.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime

from local.worker import protos
from local.worker.protos import ParameterBinding, decode
from local.worker.wire import Wire

# The package ships no types.
runtime: Any = azure_functions_runtime
# WRK proxy_worker/logging.py, is_system_log_category.
_SYSTEM_LOGGERS = ("azure.functions", "azure_functions_runtime", "proxy_worker")


class WireHandler(logging.Handler):
    """Sends log records to the host, with the invocation that they belong to."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; the host decides whether to log it."""
        try:
            self._wire.send(
                {
                    "type": "log",
                    "level": record.levelname,
                    "logger": record.name,
                    "is_system": record.name.startswith(_SYSTEM_LOGGERS),
                    "message": self.format(record),
                    "invocation_id": runtime.invocation_id_cv.get(),
                }
            )
        except OSError:
            # The host is gone, and this process ends soon.
            return
        except Exception:  # noqa: BLE001 (a bad log call must not fail the function)
            self.handleError(record)


def _request(name: str, fields: dict[str, Any]) -> Any:
    return SimpleNamespace(
        request=SimpleNamespace(**{name: SimpleNamespace(**fields)}),
        properties={"protos": protos, "host": "127.0.0.1"},
    )


async def _index(app: Path) -> dict[str, Any]:
    """Load the app; return the message with `functions` or `error`."""
    init = await runtime.worker_init_request(
        _request("worker_init_request", {"capabilities": {}, "function_app_directory": str(app)})
    )
    if init.result.status != protos.StatusResult.Success:
        error = init.result.exception
        return {"type": "indexed", "error": f"{error.message}\n{error.stack_trace}", "functions": []}
    answer = await runtime.functions_metadata_request(
        _request("functions_metadata_request", {"function_app_directory": str(app)})
    )
    found = answer.function_metadata_results or []
    for metadata in found:
        await runtime.function_load_request(
            _request("function_load_request", {"function_id": metadata.function_id, "metadata": metadata})
        )
    functions = [
        {
            "name": metadata.name,
            "function_id": metadata.function_id,
            "raw_bindings": list(metadata.raw_bindings),
        }
        for metadata in found
    ]
    return {"type": "indexed", "error": None, "functions": functions}


async def _invoke(wire: Wire, message: dict[str, Any]) -> None:
    """Run one invocation and send `ok` and, on failure, `error` and `stack`."""
    # The runtime sets this in its threads only; set here, it covers async functions too.
    runtime.invocation_id_cv.set(message["invocation_id"])
    response = await runtime.invocation_request(
        _request(
            "invocation_request",
            {
                "invocation_id": message["invocation_id"],
                "function_id": message["function_id"],
                "input_data": [
                    ParameterBinding(name=name, data=decode(value))
                    for name, value in message["inputs"].items()
                ],
                "trigger_metadata": {name: decode(value) for name, value in message["metadata"].items()},
                "trace_context": SimpleNamespace(
                    trace_parent=message["trace_parent"], trace_state="", attributes={}
                ),
                "retry_context": SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
            },
        )
    )
    done: dict[str, Any] = {"type": "done", "invocation_id": message["invocation_id"]}
    if response.result.status == protos.StatusResult.Success:
        wire.send({**done, "ok": True})
    else:
        error = response.result.exception
        wire.send({**done, "ok": False, "error": error.message, "stack": error.stack_trace})


async def _serve(wire: Wire, app: Path) -> None:
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()

    def begin(message: dict[str, Any]) -> None:
        task = asyncio.create_task(_invoke(wire, message))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def receive() -> None:
        while message := wire.receive():
            loop.call_soon_threadsafe(begin, message)
        loop.call_soon_threadsafe(gone.set)

    wire.send(await _index(app))
    threading.Thread(target=receive, name="host", daemon=True).start()
    await gone.wait()


def main() -> None:
    """Serve the host until it closes the socket."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--app", type=Path, required=True)
    arguments = parser.parse_args()
    app: Path = arguments.app
    # Ctrl-C reaches the whole group; the host ends its workers itself.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

    wire = Wire(socket.socket(fileno=arguments.fd))
    root = logging.getLogger()
    # WRK proxy_worker/dispatcher.py: INFO unless PYTHON_ENABLE_DEBUG_LOGGING.
    debug = os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING", "").lower() in {"1", "true", "t", "yes", "y"}
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    root.addHandler(WireHandler(wire))

    # As in Azure: the app's folder is first on the path, and this project's own is not on it.
    sys.path[0] = str(app)
    os.chdir(app)
    runtime.start_threadpool_executor()
    try:
        asyncio.run(_serve(wire, app))
    finally:
        # A function that still runs must not delay the end: its host is gone.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
