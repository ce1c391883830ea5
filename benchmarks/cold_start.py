"""Measures a cold start: `python -m benchmarks.cold_start`.

`import function_app` beside importing the SDKs alone, and a process's first event beside its first two bare
requests; both in processor time, with compiled files, in a new process each time and in turns. And
how large the package is that is deployed.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from azure.storage.blob import BlobServiceClient

from benchmarks.event_ways import app_settings
from benchmarks.processes import ROOT, airflow_process
from benchmarks.record import keep
from infra.hooks.package import SITE_PACKAGES
from local.azurite import start_azurite
from local.package import build

MOST_OF_IMPORT = 1.1

_ROUNDS = 15
_TIME = "\nimport time; print(time.process_time())"
_APP = "import function_app"
_SDKS = (
    "import azure.functions, azurefunctions.extensions.bindings.blob, azure.identity, azure.keyvault.secrets,"
    "azure.storage.blob, azure.storage.queue, msgspec, requests, tenacity"
)
_FIRST_EVENT = f"""{_APP}
function_app.BRIDGE.on_blob("landing", "a.csv")"""
_FIRST_REQUESTS = f"""{_SDKS}
import os
from azure.storage.blob import BlobClient
with BlobClient.from_connection_string(os.environ["LandingStorage"], "landing", "a.csv") as client:
    client.get_blob_properties()
session, url = requests.Session(), os.environ["AIRFLOW_BASE_URL"]
login = {{"username": "admin", "password": "admin"}}
token = session.post(url + "/auth/token", json=login, timeout=60).json()["access_token"]
body = {{"dag_run_id": os.urandom(8).hex(), "conf": {{"filename": "a.csv"}}, "logical_date": None}}
headers = {{"Authorization": "Bearer " + token}}
session.post(url + "/api/v2/dags/copy_file/dagRuns", json=body, headers=headers, timeout=60).json()"""


def processor_seconds(codes: dict[str, str], environ: dict[str, str]) -> dict[str, float]:
    """Run each piece of code in new processes, in turn; return the medians."""
    taken: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(_ROUNDS + 1):
        for name, code in codes.items():
            command = [sys.executable, "-c", code + _TIME]
            printed = subprocess.check_output(command, cwd=ROOT, env=environ, text=True)
            taken[name].append(float(printed.splitlines()[-1]))
    # The first of each has compiled the files.
    return {name: round(median(each[1:]), 4) for name, each in taken.items()}


def package(folder: Path) -> dict[str, int]:
    """Build the package; return its size, that of its own files, and how many files it has."""
    build(ROOT, folder / "app.zip")
    packages = [path for path in (ROOT / SITE_PACKAGES).rglob("*") if path.is_file()]
    own = [*(ROOT / "shared").rglob("*.py"), ROOT / "function_app.py"]
    return {
        "archive_bytes": (folder / "app.zip").stat().st_size,
        "packages_bytes": sum(path.stat().st_size for path in packages),
        "own_bytes": sum(path.stat().st_size for path in own),
    }


def main() -> int:
    """Measure; fail where the import takes more than it may."""
    codes = {"app": _APP, "sdks": _SDKS, "first event": _FIRST_EVENT, "first requests": _FIRST_REQUESTS}
    with (
        tempfile.TemporaryDirectory() as name,
        start_azurite() as azurite,
        airflow_process() as airflow,
        BlobServiceClient.from_connection_string(azurite.connection_string) as service,
    ):
        folder = Path(name)
        service.create_container("landing").upload_blob("a.csv", b"x")
        environ = {
            **os.environ,
            **app_settings(airflow.base_url, azurite.connection_string),
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        }
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        seconds = processor_seconds(codes, environ)
        sizes = package(folder)
    ratio = round(seconds["app"] / seconds["sdks"], 2)
    ratio_of_first = round(seconds["first event"] / seconds["first requests"], 2)
    print(f"import {ratio} times the SDKs, first event {ratio_of_first} times the bare requests")
    print(seconds, sizes)
    result = {"ratio": ratio, "ratio_of_first_event": ratio_of_first, "most": MOST_OF_IMPORT}
    keep("cold_start", {**result, "processor_seconds": seconds, "package": sizes})
    return int(ratio > MOST_OF_IMPORT)


if __name__ == "__main__":
    sys.exit(main())
