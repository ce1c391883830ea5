"""Fixtures: real Airflows of three generations, one at a time."""

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from local.airflow import AIRFLOW_3, AirflowKind, start_airflow
from local.airflow.kind_1 import AIRFLOW_1
from local.airflow.kind_2 import AIRFLOW_2
from local.airflow.kind_3_fab import AIRFLOW_3_FAB
from local.postgres import start_postgres
from local.processes import NotInstalledError
from shared.airflow import again
from tests.airflow.harness import AirflowHarness
from tests.airflow.terminal import Terminal
from tests.support.airflow_server import AirflowServer, airflow_server
from tests.support.missing import missing

DAGS = Path(__file__).parent / "dags"

KINDS: dict[str, tuple[AirflowKind, str, bool]] = {
    "3-postgres": (AIRFLOW_3, "v2", True),
    "2-postgres": (AIRFLOW_2, "v1", True),
    "3-sqlite": (AIRFLOW_3, "v2", False),
    "2-sqlite": (AIRFLOW_2, "v1", False),
    "3-fab": (AIRFLOW_3_FAB, "v2", True),
    "1-sqlite": (AIRFLOW_1, "experimental", False),
}
USUAL = ("3-postgres", "2-postgres", "3-fab")
"""What `make test` runs; `make test-airflow` sets AIRFLOWS=all."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of this folder."""
    config.addinivalue_line("markers", "generations(*names): only for these dialects, or kinds, of Airflow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a generation does not have: that is no skip, for nothing is missing."""
    left_out = [item for item in items if not _concerns(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _concerns(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("generations")
    callspec = getattr(item, "callspec", None)
    if marker is None or callspec is None:
        return True
    name = callspec.params["harness"]
    return not {name, KINDS[name][1]}.isdisjoint(marker.args)


def chosen() -> list[str]:
    """Return the Airflows to test: AIRFLOWS is `all`, or names with commas."""
    names = os.environ.get("AIRFLOWS", ",".join(USUAL))
    return list(KINDS) if names == "all" else names.split(",")


@pytest.fixture(scope="session", params=chosen())
def harness(request: pytest.FixtureRequest) -> Iterator[AirflowHarness]:
    """Yield a real Airflow with the contract DAGs; pytest runs all tests of one before it starts the next."""
    kind, api, on_postgres = KINDS[request.param]
    with ExitStack() as stack:
        try:
            database = stack.enter_context(start_postgres()).new_database() if on_postgres else ""
            airflow = start_airflow(
                kind=kind, dags_folder=DAGS, variables=_users(kind), database_url=database
            )
        except NotInstalledError as exc:
            missing(exc)
        stack.enter_context(airflow)
        harness = AirflowHarness(airflow=airflow, api=api)
        harness.wait_for_dags({"contract_take", "contract_clean", "contract_paused"})
        yield harness


def _users(kind: AirflowKind) -> dict[str, str]:
    """Return Airflow 3's simple auth manager users of lesser roles; it makes up their passwords."""
    if kind is not AIRFLOW_3:
        return {}
    return {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer,starter:user"}


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a question that failed again at once."""
    monkeypatch.setattr(again, "PAUSES_SECONDS", (0.0, 0.0))


@pytest.fixture
def server() -> Iterator[AirflowServer]:
    """Yield a stand-in without faults."""
    with airflow_server() as server:
        yield server


@pytest.fixture
def terminal(harness: AirflowHarness, storage_account: str) -> Iterator[Terminal]:
    """Yield a command line for an app with an empty container."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        landing = service.create_container(f"landing-{uuid.uuid4().hex[:12]}")
        yield Terminal(harness, storage_account, landing)
