"""Fixtures that several test folders share: the real parts of the local stack."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.airflow import Airflow, landing_storage, start_airflow
from local.azurite import Azurite, start_azurite
from local.processes import NotInstalledError
from tests.airflow.certificates import self_signed
from tests.key_vault.azure import IDENTITY_HEADER, Azure, serve_azure
from tests.support.missing import missing

pytest_plugins = ["tests.support.fault_table"]


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """Yield one real Azurite for the whole run; tests keep apart by account, or by container name."""
    try:
        azurite = start_azurite()
    except NotInstalledError as exc:
        missing(exc)
    with azurite:
        yield azurite


@pytest.fixture
def storage_account(azurite: Azurite) -> Iterator[str]:
    """Yield the connection string of an empty account of the test's own.

    An app of another test never sees what waits in it.
    """
    connection_string = azurite.new_account()
    yield connection_string
    # Azurite writes all of its rows to the disk now and then: leave it few.
    with TableServiceClient.from_connection_string(connection_string) as service:
        for table in service.list_tables():
            service.delete_table(table.name)


@pytest.fixture
def landing(azurite: Azurite) -> Iterator[ContainerClient]:
    """Yield an empty container of the development account; its name is unique."""
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
        missing(exc)
    with airflow:
        airflow.api.wait_for_dags({"copy_file", "mapped_files", "taskflow_params", "xcom_chain"})
        yield airflow


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """Yield Entra ID and a Key Vault that check tokens, and a managed identity as App Service gives it."""
    certificate = self_signed(tmp_path, "127.0.0.1")
    with serve_azure(certificate) as azure:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{azure.vault_uri}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)
        yield azure
