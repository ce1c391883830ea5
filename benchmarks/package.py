"""Memory of the app's process and its own lines in the log: `python -m benchmarks.package [FILES]`.

Builds the package, runs it in an empty Python with Azurite and a stand-in for Airflow, and uploads files.
"""

import re
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

import psutil
from azure.storage.blob import BlobServiceClient

from infra.hooks.package import SITE_PACKAGES
from local.azurite import start_azurite
from local.host import FAST, HostOptions, start_host
from local.package import ROOT, build
from tests.support.airflow_server import airflow_server

_LINE = re.compile(r"Function\.\w+\.User: (.*)")


def main(count: int) -> None:
    """Print memory before and after `count` files, and bytes of lines for each file."""
    folder = Path(tempfile.mkdtemp(prefix="package-"))
    print(build(ROOT, folder / "app.zip"), f"{(folder / 'app.zip').stat().st_size:,} bytes")
    with zipfile.ZipFile(folder / "app.zip") as archive:
        archive.extractall(folder / "app")
    venv.create(folder / "clean", symlinks=True)
    with start_azurite() as azurite, airflow_server() as airflow:
        account = azurite.new_account()
        environment = {
            "AzureWebJobsStorage": account,
            "LandingStorage": account,
            "EVENT_SOURCE": "LogsAndContainerScan",
            "AIRFLOW_BASE_URL": airflow.base_url,
            "AIRFLOW_DAG_ID": "copy_file",
            "AIRFLOW_USERNAME": "someone",
            "AIRFLOW_PASSWORD": "secret",
            "PYTHON_THREADPOOL_THREAD_COUNT": "32",
            "languageWorkers__python__defaultExecutablePath": str(folder / "clean" / "bin" / "python"),
            "PYTHONPATH": str(folder / "app" / SITE_PACKAGES),
        }
        with BlobServiceClient.from_connection_string(account) as service:
            landing = service.create_container("landing")
            with start_host(HostOptions(app=folder / "app", environment=environment, times=FAST)) as host:
                worker = psutil.Process(host.worker_pids[0])
                print(f"memory, idle: {worker.memory_info().rss / 1e6:.0f} MB")
                for number in range(count):
                    landing.upload_blob(f"orders/2026-11-20/customer-{number:06}.csv", b"1,2\n")
                host.process.wait_until(
                    lambda: len(airflow.runs) == count, timeout_seconds=60 + count, what="all DAG runs"
                )
                print(f"memory, after {count} files: {worker.memory_info().rss / 1e6:.0f} MB")
                lines = _LINE.findall(host.log())
    print(f"own lines: {len(lines)}, {sum(map(len, lines)) / count:.0f} bytes for each file")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
