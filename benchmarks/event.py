# ruff: noqa: INP001, T201  (a script that prints; no package)
"""Measures what the app adds to one event and to a cold start. `python -m benchmarks.event [--events 500]`.

One event is compared with the two requests that it cannot do without: the SDK's `HEAD` and a `POST` in a warm
`requests.Session`. `import function_app` is compared with importing the SDKs alone, in CPU time and with
compiled files. Both sides take turns, and the ratios are those of the medians of one run, so that they mean
the same on any machine.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import requests
from azure.storage.blob import BlobServiceClient

from benchmarks.processes import ROOT, airflow_process
from local.azurite import start_azurite
from shared.app import App

MOST_OF_EVENT = 1.25
MOST_OF_IMPORT = 1.1

_WARM_UP = 30
_IMPORT_ROUNDS = 15
_APP = "import function_app"
_SDKS = (
    "import azure.functions, azurefunctions.extensions.bindings.blob, azure.identity, azure.keyvault.secrets,"
    "azure.storage.blob, azure.storage.queue, msgspec, requests, tenacity"
)


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure_event(events: int) -> tuple[float, float]:
    """Return the medians of an event in the app, and of the bare requests, in seconds."""
    logging.getLogger("blob_to_dag").addHandler(logging.NullHandler())
    logging.getLogger("blob_to_dag").setLevel(logging.INFO)
    with start_azurite() as azurite, airflow_process() as airflow:
        storage = azurite.new_account()
        container = BlobServiceClient.from_connection_string(storage).create_container("landing")
        for number in range(_WARM_UP + events):
            container.upload_blob(f"{number}.csv", b"x")
        app = App(
            {
                "AIRFLOW_BASE_URL": airflow.base_url,
                "AIRFLOW_DAG_ID": "copy_file",
                "AIRFLOW_USERNAME": "admin",
                "AIRFLOW_PASSWORD": "admin",
                "AzureWebJobsStorage": storage,
                "LandingStorage": storage,
            }
        )
        session = requests.Session()
        url = f"{airflow.base_url}/api/v2/dags/copy_file/dagRuns"
        headers = {"Authorization": "Bearer opaque"}

        def bare(number: int) -> None:
            container.get_blob_client(f"{number}.csv").get_blob_properties()
            body = {
                "dag_run_id": f"bare-{number}",
                "conf": {"filename": f"{number}.csv"},
                "logical_date": None,
            }
            session.post(url, json=body, headers=headers, timeout=30).json()

        of_app, of_bare = [], []
        for number in range(_WARM_UP + events):
            of_bare.append(seconds(partial(bare, number)))
            of_app.append(seconds(partial(app.on_blob, "landing", f"{number}.csv")))
        session.close()
    if airflow.runs != 2 * (_WARM_UP + events):
        msg = f"{airflow.runs} runs of {_WARM_UP + events} events, once in the app and once bare"
        raise RuntimeError(msg)
    return median(of_app[_WARM_UP:]), median(of_bare[_WARM_UP:])


def measure_import() -> tuple[float, float]:
    """Return the medians of the CPU time of importing the app, and of importing the SDKs, in seconds."""
    of_app, of_sdks = [], []
    with tempfile.TemporaryDirectory() as compiled:
        environ = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(code: str) -> float:
            code += "; import time; print(time.process_time())"
            command = [sys.executable, "-c", code]
            return float(subprocess.check_output(command, cwd=ROOT, env=environ))

        run(_APP)
        for _ in range(_IMPORT_ROUNDS):
            of_sdks.append(run(_SDKS))
            of_app.append(run(_APP))
    return median(of_app), median(of_sdks)


def main() -> int:
    """Measure both; fail where the app takes more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=500)
    arguments = parser.parse_args()
    event, bare = measure_event(arguments.events)
    print(f"one event: {event * 1e3:.2f} ms, bare {bare * 1e3:.2f} ms, {event / bare:.2f} times")
    app, sdks = measure_import()
    print(f"import function_app: {app * 1e3:.0f} ms, the SDKs {sdks * 1e3:.0f} ms, {app / sdks:.2f} times")
    print(
        json.dumps(
            {
                "event": {"app": event, "bare": bare, "ratio": event / bare, "most": MOST_OF_EVENT},
                "import": {"app": app, "sdks": sdks, "ratio": app / sdks, "most": MOST_OF_IMPORT},
            }
        )
    )
    return int(event > MOST_OF_EVENT * bare or app > MOST_OF_IMPORT * sdks)


if __name__ == "__main__":
    sys.exit(main())
