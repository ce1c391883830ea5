"""Azure Functions Core Tools 4, the real host, where it is installed."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path


def find_func(environment: Mapping[str, str]) -> str | None:
    """Return the path of `func`, or None."""
    return shutil.which("func", path=environment.get("PATH"))


def run_func(func: str, *, app: Path, port: int, workers: int | None, environment: Mapping[str, str]) -> None:
    """Become `func start`; does not return.

    Its workers run in this Python's environment. It needs `AzureWebJobsStorage` among the settings.
    """
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
