"""Runs the app in a host: `python -m local.host [--app DIR] [--port 7071] [--host auto|func|standin]`."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from local.host.core_tools import find_func, run_func
from local.host.host_json import HostJsonError
from local.host.host_log import HostLog
from local.host.options import ROOT
from local.host.settings import SettingError, load_settings
from local.host.standin import StandIn
from local.host.standin_options import StandInOptions
from local.host.times import HostTimes
from local.host.workers import MAX_WORKERS
from local.processes import free_port

DEFAULT_PORT = 7071


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--app", type=Path, default=ROOT, help="folder of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 for a free one")
    parser.add_argument("--host", choices=("auto", "func", "standin"), default="auto")
    parser.add_argument("--workers", type=int, choices=range(1, MAX_WORKERS + 1), help="worker processes")
    parser.add_argument("--no-keys", action="store_true", help="let HTTP requests in without keys")
    parser.add_argument("--times", type=HostTimes.from_json, default=HostTimes(), help="times as JSON")
    parser.add_argument("--state-file", type=Path, help="where to tell address and keys once ready")
    return parser.parse_args()


def main() -> int:
    """Run the host until Ctrl-C or SIGTERM; return the exit code."""
    arguments = _arguments()
    app: Path = arguments.app.resolve()
    func = find_func(os.environ)
    if arguments.host == "func" and func is None:
        print("Core Tools are missing: npm install -g azure-functions-core-tools@4", file=sys.stderr)
        return 2
    if func is not None and arguments.host != "standin":
        port = arguments.port or free_port()
        run_func(func, app=app, port=port, workers=arguments.workers, environment=os.environ)

    log = HostLog()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        settings = load_settings(app, os.environ)
        count = arguments.workers or int(settings.get("FUNCTIONS_WORKER_PROCESS_COUNT") or 1)
        options = StandInOptions(
            app=app,
            port=arguments.port,
            worker_count=min(max(count, 1), MAX_WORKERS),
            settings=settings,
            times=arguments.times,
            needs_keys=not arguments.no_keys,
            state_file=arguments.state_file,
        )
        host = StandIn(options, log=log)
    except (HostJsonError, SettingError, OSError, ValueError) as exc:
        log(f"Host failed to start: {exc}", level="Critical")
        return 1
    return host.run(stopping)


if __name__ == "__main__":
    exit_code = main()
    sys.stdout.flush()
    # Threads that wait for a storage call must not hold up the end.
    os._exit(exit_code)
