"""Run one way of an event in a process that is killed at a chosen I/O call: `python -m tests.support.crash`.

Every request of the app, to storage and to Airflow, goes through `requests.adapters.HTTPAdapter.send`: there
is a failpoint before and after each. A connection that is opened anywhere else is reported, so an I/O call
without a failpoint does not go unnoticed.

The process reads one way after the other from its standard input, as JSON lines, and takes each in a child of
its own: so the SDKs are imported once.
"""

import base64
import json
import os
import signal
import sys
import threading
import traceback
from typing import Any
from urllib.parse import urlsplit

# In a worker that has drained before, the SDK of the tables is there already.
import azure.data.tables  # noqa: F401
from requests.adapters import HTTPAdapter

from shared.app import App
from tests.support.times import CRASH

UNGUARDED = "I/O without a failpoint"


class Failpoints:
    """Counts the moments before and after each I/O call, and ends the process at one of them.

    Args:
        kill_at: Number of the moment, from 1; 0 lets the process live.
    """

    def __init__(self, kill_at: int) -> None:
        self._kill_at = kill_at
        self._lock = threading.Lock()
        self._inside = threading.local()
        self.moments = 0
        self.unguarded: list[str] = []
        self.calls: list[str] = []

    def install(self) -> None:
        """Stand around every request from now on."""
        send = HTTPAdapter.send

        def guarded(adapter: HTTPAdapter, request: Any, *args: Any, **kwargs: Any) -> Any:
            self._pass(f"{request.method} {urlsplit(request.url).path}")
            self._inside.yes = True
            try:
                return send(adapter, request, *args, **kwargs)
            finally:
                self._inside.yes = False
                self._pass(None)

        HTTPAdapter.send = guarded  # type: ignore[method-assign, assignment]
        sys.addaudithook(self._look)

    def _pass(self, call: str | None) -> None:
        with self._lock:
            self.moments += 1
            if call:
                self.calls.append(call)
            if self.moments == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def _look(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.connect" and not getattr(self._inside, "yes", False):
            self.unguarded.append(str(args[1]))


def take(settings: dict[str, str], way: list[str], kill_at: int) -> dict[str, Any]:
    """Take one way: `live <container> <name>`, `event <message in Base64>` or `dispatch`."""
    failpoints = Failpoints(kill_at)
    failpoints.install()
    app = App(settings, timing=CRASH)
    match way:
        case ["live", container, name]:
            app.on_blob(container, name)
        case ["event", message]:
            app.on_event(base64.b64decode(message))
        case ["dispatch"]:
            app.dispatch()
        case _:
            raise ValueError(way)
    return {"moments": failpoints.moments, "calls": failpoints.calls, UNGUARDED: failpoints.unguarded}


def _take_in_child(order: dict[str, Any]) -> dict[str, Any]:
    """Return what `take` returns, `killed` if it was killed, or `failed` with the traceback."""
    read_end, write_end = os.pipe()
    if (child := os.fork()) == 0:
        os.close(read_end)
        try:
            result = take(**order)
        except BaseException:  # noqa: BLE001  (the parent reports it)
            result = {"failed": traceback.format_exc()}
        with os.fdopen(write_end, "w") as pipe:
            json.dump(result, pipe)
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return {"killed": True}
    answer: dict[str, Any] = json.loads(text)
    return answer


def main() -> None:
    """Answer each order with a line of JSON."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_take_in_child(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
