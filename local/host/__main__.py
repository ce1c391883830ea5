"""Run the app in a host: `python -m local.host [--app DIR] [--port 7071] [--host auto|func|standin]`."""

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Never

from local.host.host_json import HostJsonError
from local.host.host_log import HostLog
from local.host.options import ROOT, HostOptions, HostTimes
from local.host.settings import SettingError, load_settings
from local.host.standin import StandIn
from local.host.workers import MAX_WORKERS
from local.processes import free_port

DEFAULT_PORT = 7071


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--app", type=Path, default=ROOT, help="folder of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 for a free one")
    parser.add_argument("--host", choices=("auto", "func", "standin"), default="auto")
    parser.add_argument("--workers", type=int, choices=range(1, MAX_WORKERS + 1), help="worker processes")
    parser.add_argument("--times", type=HostTimes.from_json, default=HostTimes(), help="times as JSON")
    parser.add_argument("--state-file", type=Path, help="where to write address and keys once ready")
    return parser.parse_args()


def _run_func(
    func: str, *, app: Path, port: int, workers: int | None, environment: Mapping[str, str]
) -> Never:
    """Become `func start`. Its workers run in this Python's environment."""
    bin_folder = str(Path(sys.executable).parent)
    settings = {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        # HOST: configuration section languageWorkers:python:defaultExecutablePath
        "languageWorkers__python__defaultExecutablePath": sys.executable,
        **environment,
        "PATH": os.pathsep.join((bin_folder, environment.get("PATH", ""))),
        "FUNCTIONS_CORE_TOOLS_TELEMETRY_OPTOUT": "1",
    }
    if workers is not None:
        settings["FUNCTIONS_WORKER_PROCESS_COUNT"] = str(workers)
    os.chdir(app)
    os.execve(func, [func, "start", "--port", str(port)], settings)  # noqa: S606 (no shell wanted)


def main() -> int:
    """Run the host until Ctrl-C or SIGTERM; return the exit code."""
    arguments = _arguments()
    app: Path = arguments.app.resolve()
    func = shutil.which("func")
    if arguments.host == "func" and func is None:
        print("Core Tools are missing: npm install -g azure-functions-core-tools@4", file=sys.stderr)
        return 2
    if func is not None and arguments.host != "standin":
        port = arguments.port or free_port()
        _run_func(func, app=app, port=port, workers=arguments.workers, environment=os.environ)

    log = HostLog()
    try:
        settings = load_settings(app, os.environ)
        count = arguments.workers or int(settings.get("FUNCTIONS_WORKER_PROCESS_COUNT") or 1)
        options = HostOptions(
            app=app,
            environment=settings,
            host="standin",
            port=arguments.port,
            workers=min(max(count, 1), MAX_WORKERS),
            times=arguments.times,
            state_path=arguments.state_file,
        )
        host = StandIn(options, log=log)
    except (HostJsonError, SettingError, OSError, ValueError) as exc:
        log(f"Host failed to start: {exc}", level="Critical")
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: host.stop())
    return host.run()


if __name__ == "__main__":
    exit_code = main()
    sys.stdout.flush()
    # Threads that wait for a storage call must not delay the end.
    os._exit(exit_code)
