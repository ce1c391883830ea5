"""From five files to one run of `mapped_files`, in a real Airflow 3 and a real Airflow 2."""

import shutil
import time
import uuid
from ast import literal_eval
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.airflow import Airflow, start_airflow
from local.airflow.kind_2 import AIRFLOW_2
from local.airflow.server import EXAMPLE_DAGS
from local.postgres import start_postgres
from local.processes import NotInstalledError
from shared.app import App
from shared.event_log import EventLog
from tests.airflow.harness import AirflowHarness
from tests.support.missing import missing

pytestmark = [pytest.mark.airflow, pytest.mark.stack, pytest.mark.timeout(600)]


@pytest.fixture
def landing(storage_account: str) -> Iterator[ContainerClient]:
    """Yield an empty container of the test's own account; Airflow is shared, so its name is unique."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        yield service.create_container(f"landing-{uuid.uuid4().hex[:12]}")


NAMES = [f"night/{number}.csv" for number in range(5)]


def batch_starts_one_run(harness: AirflowHarness, landing: ContainerClient, storage: str) -> None:
    """Let five files land, of which the last completes the batch; look at the run."""
    container = landing.container_name
    routes = (
        f'[[route]]\nname = "night"\nmatch = "{container}/{{folder}}/{{file}}"\n'
        'dag_id = "mapped_files"\nbatch = { by = "{folder}", count = 5 }\n'
    )
    settings = {"AzureWebJobsStorage": storage, "LandingStorage": storage, "AIRFLOW_ROUTES": routes}
    app = App(
        harness.environment(AIRFLOW_DAG_ID="", LANDING_PATH=f"{container}/{{name}}", **settings), EventLog()
    )
    for size, name in enumerate(NAMES):
        landing.upload_blob(name, b"x" * size)
        app.on_blob(container, name)

    [run] = [run for run in harness.runs("mapped_files") if run["conf"].get("container") == container]
    path = f"dags/mapped_files/dagRuns/{run['dag_run_id']}"
    end = time.monotonic() + 400
    while (state := harness.get(path)["state"]) not in {"success", "failed"}:
        assert time.monotonic() < end, state
        time.sleep(1)

    assert state == "success"
    assert sorted(file["filename"] for file in run["conf"]["files"]) == NAMES
    assert run["conf"]["batch_key"] == {"folder": "night"}
    result = harness.get(f"{path}/taskInstances/sum_up/xcomEntries/return_value")["value"]
    assert (result if isinstance(result, dict) else literal_eval(result)) == {"files": 5, "bytes": 10}


def test_batch_in_airflow_3(airflow: Airflow, landing: ContainerClient, storage_account: str) -> None:
    """Dynamic task mapping over `conf.files`."""
    batch_starts_one_run(AirflowHarness(airflow=airflow, api="v2"), landing, storage_account)


def test_batch_in_airflow_2(landing: ContainerClient, storage_account: str, tmp_path: Path) -> None:
    """The same DAG, the same conf."""
    shutil.copy(EXAMPLE_DAGS / "mapped_files.py", tmp_path)
    with ExitStack() as stack:
        try:
            # On SQLite its tasks are run by a command that is not on the path.
            database = stack.enter_context(start_postgres()).new_database()
            airflow = start_airflow(kind=AIRFLOW_2, dags_folder=tmp_path, database_url=database)
        except NotInstalledError as exc:
            missing(exc)
        stack.enter_context(airflow)
        harness = AirflowHarness(airflow=airflow, api="v1")
        harness.wait_for_dags({"mapped_files"})
        batch_starts_one_run(harness, landing, storage_account)
