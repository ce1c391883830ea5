"""A real Airflow 3 with a DAG that costs nothing, for tests that start many runs or stop Airflow."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueServiceClient

from local.airflow import Airflow, start_airflow
from local.azurite import Azurite
from local.postgres import start_postgres
from local.processes import NotInstalledError
from shared.storage.outbox import QUEUE

DAG_ID = "noop"


@pytest.fixture(scope="module")
def quiet_airflow() -> Iterator[Airflow]:
    """Yield an Airflow of the module's own, on PostgreSQL: SQLite lets one write at a time."""
    with ExitStack() as stack:
        try:
            database = stack.enter_context(start_postgres()).new_database()
            airflow = start_airflow(dags_folder=Path(__file__).with_name("dags"), database_url=database)
        except NotInstalledError as error:
            pytest.skip(str(error))
        stack.enter_context(airflow)
        airflow.api.wait_for_dags({DAG_ID})
        yield airflow


@pytest.fixture
def settings(azurite: Azurite, landing: ContainerClient, quiet_airflow: Airflow) -> dict[str, str]:
    """Give app settings that join the three; nothing is parked from earlier tests."""
    with suppress(ResourceNotFoundError):
        QueueServiceClient.from_connection_string(azurite.connection_string).delete_queue(QUEUE)
    return {
        "AzureWebJobsStorage": azurite.connection_string,
        "LandingStorage": azurite.connection_string,
        "EVENT_SOURCE": "LogsAndContainerScan",
        "LANDING_PATH": f"{landing.container_name}/{{name}}",
        "AIRFLOW_BASE_URL": quiet_airflow.base_url,
        "AIRFLOW_DAG_ID": DAG_ID,
        "AIRFLOW_USERNAME": quiet_airflow.username,
        "AIRFLOW_PASSWORD": quiet_airflow.password,
        "PYTHON_THREADPOOL_THREAD_COUNT": "32",
    }
