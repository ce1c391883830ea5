"""The package starts in a Python that has nothing else, and delivers an event."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import psutil
from azure.storage.blob import BlobServiceClient

from infra.hooks.package import SITE_PACKAGES
from local.host import FAST, HostOptions, start_host
from tests.support.airflow_server import airflow_server

# Of the worker process alone; docs/deploy.md says what Azure adds.
MOST_MEMORY_BYTES = 120_000_000


def _clean_python(folder: Path) -> Path:
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    listed = subprocess.run(
        [str(python), "-c", "import importlib.metadata as m; print(len(list(m.distributions())))"],
        capture_output=True, text=True, check=True, timeout=60, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert listed.stdout.strip() == "0"
    return python


def test_package_delivers_an_event(unpacked: Path, storage_account: str, tmp_path: Path) -> None:
    """From the upload to the run, with the packages of the package: the runtime, too."""
    python = _clean_python(tmp_path / "clean")
    with BlobServiceClient.from_connection_string(storage_account) as service, airflow_server() as airflow:
        landing = service.create_container("landing")
        environment = {
            "AzureWebJobsStorage": storage_account,
            "LandingStorage": storage_account,
            "EVENT_SOURCE": "LogsAndContainerScan",
            "AIRFLOW_BASE_URL": airflow.base_url,
            "AIRFLOW_DAG_ID": "copy_file",
            "AIRFLOW_USERNAME": "someone",
            "AIRFLOW_PASSWORD": "secret",
            "PYTHON_THREADPOOL_THREAD_COUNT": "32",
            "languageWorkers__python__defaultExecutablePath": str(python),
            # Azure's worker puts this folder on the path itself.
            "PYTHONPATH": str(unpacked / SITE_PACKAGES),
        }
        options = HostOptions(app=unpacked, environment=environment, host="standin", times=FAST)
        with start_host(options) as host:
            landing.upload_blob("a.txt", b"content")
            host.process.wait_until(lambda: bool(airflow.runs), timeout_seconds=60, what="a DAG run")
            [worker] = host.worker_pids
            memory = psutil.Process(worker).memory_info().rss
            origins = {
                Path(item.path) for item in psutil.Process(worker).memory_maps() if item.path.endswith(".so")
            }

    [(dag_id, _)] = airflow.runs
    assert dag_id == "copy_file"
    assert memory < MOST_MEMORY_BYTES
    # Nothing compiled came from the environment of the tests.
    assert not [path for path in origins if Path(sys.prefix) in path.parents]
    assert [path for path in origins if unpacked in path.parents]
