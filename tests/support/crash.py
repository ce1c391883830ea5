"""Run one way of an event in this process and kill it at a chosen I/O call: `python -m tests.support.crash`.

Every request of the app, to storage and to Airflow, goes through `requests.adapters.HTTPAdapter.send`: there
is a failpoint before and after each. A connection that is opened anywhere else is reported, so an I/O call
without a failpoint does not go unnoticed.
"""

import json
import os
import signal
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter

from shared.app import App
from shared.timing import Timing

TIMES = Timing(
    dispatch_seconds=3,
    visibility_seconds=2,
    collector_visibility_seconds=1,
    airflow_probe_seconds=0.5,
    log_in_probe_seconds=0.5,
)
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
        self.calls: list[str] = []
        self.moments = 0

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
            sys.stderr.write(f"{UNGUARDED}: {args[1]}\n")


def main() -> int:
    """Take the way of `sys.argv[1]`: `live <container> <name>`, or `dispatch`; print the calls as JSON."""
    way, *names = sys.argv[1:]
    failpoints = Failpoints(int(os.environ["KILL_AT"]))
    failpoints.install()
    app = App(os.environ, timing=TIMES)
    if way == "live":
        app.on_blob(*names)
    else:
        app.dispatch()
    json.dump({"calls": failpoints.calls, "moments": failpoints.moments}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
