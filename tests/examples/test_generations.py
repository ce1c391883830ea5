"""The example DAGs in each Airflow that their first lines promise; Airflow 3 has more in test_dags.py."""

import re
import time
import uuid
from ast import literal_eval
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.airflow import Airflow, start_airflow
from local.airflow.kind_2 import AIRFLOW_2
from local.airflow.server import EXAMPLE_DAGS, landing_storage
from local.azurite import Azurite
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
FILE = {
    "filename": "sales/a.csv",
    "container": "landing",
    "size": 3,
    "etag": "0x8D",
    "url": "https://x/a.csv",
}
CONFS: dict[str, dict[str, Any]] = {
    "copy_file": {},
    "taskflow_params": FILE,
    "typed_params": {**FILE, "event_time": "2026-11-20T06:00:00+00:00", "day": "2026-11-20", "shop": 7},
    "xcom_chain": FILE,
}
_DEADLINE_SECONDS = 200


@pytest.fixture(scope="module")
def airflow_2(azurite: Azurite) -> Iterator[AirflowHarness]:
    """Yield a real Airflow 2 with all example DAGs, and Azurite as their storage."""
    with ExitStack() as stack:
        try:
            # On SQLite its tasks are run by a command that is not on the path.
            database = stack.enter_context(start_postgres()).new_database()
            airflow = start_airflow(
                kind=AIRFLOW_2,
                dags_folder=EXAMPLE_DAGS,
                variables=landing_storage(azurite.connection_string),
                database_url=database,
            )
        except NotInstalledError as exc:
            missing(exc)
        stack.enter_context(airflow)
        harness = AirflowHarness(airflow=airflow, api="v1")
        harness.wait_for_dags({*CONFS, "mapped_files"})
        yield harness


def end_of_run(harness: AirflowHarness, dag_id: str, run_id: str) -> str:
    """Return the state in which a run ends."""
    end = time.monotonic() + _DEADLINE_SECONDS
    while (state := harness.get(f"dags/{dag_id}/dagRuns/{run_id}")["state"]) not in {"success", "failed"}:
        assert time.monotonic() < end, state
        time.sleep(1)
    return str(state)


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

    assert end_of_run(harness, "mapped_files", run["dag_run_id"]) == "success"
    assert sorted(file["filename"] for file in run["conf"]["files"]) == NAMES
    assert run["conf"]["batch_key"] == {"folder": "night"}
    result = harness.get(f"{path}/taskInstances/sum_up/xcomEntries/return_value")["value"]
    assert (result if isinstance(result, dict) else literal_eval(result)) == {"files": 5, "bytes": 10}


def test_every_example_says_for_which_airflows_it_is() -> None:
    """What they say is what is started here and in test_dags.py."""
    said = {
        path.stem: re.findall(r"^For Airflow (3 and 2)\b", path.read_text(encoding="utf-8"), re.MULTILINE)
        for path in EXAMPLE_DAGS.glob("*.py")
    }

    assert said == {dag_id: ["3 and 2"] for dag_id in [*CONFS, "mapped_files"]}


def test_batch_in_airflow_3(airflow: Airflow, landing: ContainerClient, storage_account: str) -> None:
    """Dynamic task mapping over `conf.files`."""
    batch_starts_one_run(AirflowHarness(airflow=airflow, api="v2"), landing, storage_account)


def test_batch_in_airflow_2(
    airflow_2: AirflowHarness, landing: ContainerClient, storage_account: str
) -> None:
    """The same DAG, the same conf."""
    batch_starts_one_run(airflow_2, landing, storage_account)


@pytest.mark.parametrize("dag_id", CONFS)
def test_example_runs_in_airflow_2(airflow_2: AirflowHarness, dag_id: str) -> None:
    """Its imports, its params and its tasks; `copy_file` without a filename asks storage for nothing."""
    answer = airflow_2.send("POST", f"dags/{dag_id}/dagRuns", json={"conf": CONFS[dag_id]})
    answer.raise_for_status()

    assert end_of_run(airflow_2, dag_id, answer.json()["dag_run_id"]) == "success"


def test_copy_file_copies_in_airflow_2(airflow_2: AirflowHarness, azurite: Azurite) -> None:
    """With the connection that its first lines describe."""
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.create_container(f"landing-{uuid.uuid4().hex[:12]}")
        name = f"{container.container_name}.csv"
        container.upload_blob(name, b"a,b")
        conf = {"filename": name, "container": container.container_name, "size": 3}
        answer = airflow_2.send("POST", "dags/copy_file/dagRuns", json={"conf": conf})
        answer.raise_for_status()

        assert end_of_run(airflow_2, "copy_file", answer.json()["dag_run_id"]) == "success"
        assert service.get_blob_client("processed", name).download_blob().readall() == b"a,b"
