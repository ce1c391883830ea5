"""Fixtures that several test folders share: the real parts of the local stack."""

import uuid
from collections.abc import Iterator

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.airflow import Airflow, landing_storage, start_airflow
from local.azurite import Azurite, start_azurite
from local.processes import NotInstalledError

pytest_plugins = ["tests.fault_table"]


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """Yield one real Azurite for the whole run; tests keep apart by container and queue names."""
    try:
        azurite = start_azurite()
    except NotInstalledError as exc:
        pytest.skip(str(exc))
    with azurite:
        yield azurite


@pytest.fixture
def landing(azurite: Azurite) -> Iterator[ContainerClient]:
    """Yield a fresh, empty container of the test's own; its name is unique."""
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.create_container(f"landing-{uuid.uuid4().hex[:12]}")
        yield container
        container.delete_container()


@pytest.fixture(scope="session")
def airflow(azurite: Azurite) -> Iterator[Airflow]:
    """Yield one real Airflow 3 for the whole run, with the example DAGs and Azurite as their storage."""
    try:
        airflow = start_airflow(variables=landing_storage(azurite.connection_string))
    except NotInstalledError as exc:
        pytest.skip(str(exc))
    with airflow:
        airflow.api.wait_for_dags({"copy_file", "taskflow_params", "xcom_chain"})
        yield airflow
