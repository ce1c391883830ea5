"""Fixtures of the fault tests: see `FaultHarness`."""

from collections.abc import Iterator
from functools import partial

import pytest
from azure.storage.blob import BlobServiceClient

from shared import wiring
from shared.airflow.build import build_airflow_client
from tests.support.airflow_server import airflow_server
from tests.support.fault_harness import FaultHarness


@pytest.fixture
def harness(storage_account: str) -> Iterator[FaultHarness]:
    """Yield a harness with an empty storage account and an Airflow of its own."""
    with BlobServiceClient.from_connection_string(storage_account) as service, airflow_server() as airflow:
        yield FaultHarness(
            storage=storage_account, landing=service.create_container("landing"), airflow=airflow
        )


@pytest.fixture
def short_refusal_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the app log in again a second after a rejection, instead of half a minute."""
    build = partial(build_airflow_client, refusal_pause_seconds=1)
    monkeypatch.setattr(wiring, "build_airflow_client", build)
