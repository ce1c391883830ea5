"""A real Airflow 3 with a DAG that costs nothing, for tests that start many runs or stop Airflow."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.airflow import Airflow, start_airflow
from local.postgres import start_postgres
from local.processes import NotInstalledError
from tests.support.missing import missing

DAG_ID = "noop"


@pytest.fixture
def landing(storage_account: str) -> Iterator[ContainerClient]:
    """Yield an empty container of the test's own account; Airflow is shared, so its name is unique."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        yield service.create_container(f"landing-{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="module")
def quiet_airflow() -> Iterator[Airflow]:
    """Yield an Airflow of the module's own, on PostgreSQL: SQLite allows one write at a time."""
    with ExitStack() as stack:
        try:
            database = stack.enter_context(start_postgres()).new_database()
            airflow = start_airflow(dags_folder=Path(__file__).with_name("dags"), database_url=database)
        except NotInstalledError as error:
            missing(error)
        stack.enter_context(airflow)
        airflow.api.wait_for_dags({DAG_ID})
        yield airflow


@pytest.fixture
def settings(storage_account: str, landing: ContainerClient, quiet_airflow: Airflow) -> dict[str, str]:
    """Return app settings that connect the app to the test's storage account and Airflow."""
    return {
        "AzureWebJobsStorage": storage_account,
        "LandingStorage": storage_account,
        "EVENT_SOURCE": "LogsAndContainerScan",
        "LANDING_PATH": f"{landing.container_name}/{{name}}",
        "AIRFLOW_BASE_URL": quiet_airflow.base_url,
        "AIRFLOW_DAG_ID": DAG_ID,
        "AIRFLOW_USERNAME": quiet_airflow.username,
        "AIRFLOW_PASSWORD": quiet_airflow.password,
        "PYTHON_THREADPOOL_THREAD_COUNT": "32",
    }
