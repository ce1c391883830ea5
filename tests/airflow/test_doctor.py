"""What `doctor` finds in real Airflows, by what the role of the app's user may do."""

import json
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from local.airflow import AIRFLOW_3
from local.airflow.fab_users import make_user
from local.airflow.kind_2 import AIRFLOW_2
from local.airflow.kind_3_fab import AIRFLOW_3_FAB
from operate.desk import Desk
from operate.doctor.check import Finding, State, examine
from operate.doctor.order import CHECKS
from operate.origin import Origin
from tests.airflow.harness import AirflowHarness
from tests.airflow.test_roles import LEAST_ROLE, user_with

pytestmark = [pytest.mark.airflow, pytest.mark.stack, pytest.mark.timeout(600)]


def _found(
    harness: AirflowHarness, storage: str, *, user: str = "", password: str = ""
) -> dict[str, Finding]:
    with BlobServiceClient.from_connection_string(storage) as service:
        if not service.get_container_client("landing").exists():
            service.create_container("landing")
    changes = {"AIRFLOW_USERNAME": user} if user else {}
    changes |= {"AIRFLOW_PASSWORD": password} if password else {}
    settings = harness.environment(AzureWebJobsStorage=storage, LandingStorage=storage, **changes)
    desk = Desk(origin=Origin(title="x", settings=settings), root=Path("no-such-folder"))
    return {finding.check: finding for finding in examine(desk, CHECKS)}


def _password_of_3(harness: AirflowHarness, user: str) -> str:
    home = harness.airflow.place.home
    passwords: dict[str, str] = json.loads((home / "passwords.json").read_text(encoding="utf-8"))
    return passwords[user]


def _faults(found: dict[str, Finding]) -> list[str]:
    return [f"{name}: {finding.text}" for name, finding in found.items() if finding.state is State.FAULT]


def test_nothing_is_wrong_and_no_run_is_made(harness: AirflowHarness, storage_account: str) -> None:
    """Of each generation; then with a wrong password."""
    before = len(harness.runs("contract_take"))

    found = _found(harness, storage_account)
    wrong = _found(harness, storage_account, password="wrong")

    assert _faults(found) == []
    assert {found[name].state for name in ("reading runs", "creating runs", "DAGs")} == {State.WELL}
    assert len(harness.runs("contract_take")) == before
    assert [line.partition(":")[0] for line in _faults(wrong)] == ["Airflow's log-in"]


@pytest.mark.generations("v1", "v2")
def test_role_that_may_only_read_is_seen(harness: AirflowHarness, storage_account: str) -> None:
    """Without a run: what it may not do is said, and is no fault before something waits for it."""
    password = "pw"
    if harness.airflow.kind is AIRFLOW_3:
        user, password = "viewer", _password_of_3(harness, "viewer")
    else:
        kind = AIRFLOW_2 if harness.airflow.kind is AIRFLOW_2 else AIRFLOW_3_FAB
        user = "looker"
        make_user(kind, harness.airflow.place, user, password, role="Viewer")

    found = _found(harness, storage_account, user=user, password=password)

    assert _faults(found) == []
    assert found["creating runs"].state is State.NOTE


@pytest.mark.generations("v1", "3-fab")
def test_least_role_has_no_fault(harness: AirflowHarness, storage_account: str) -> None:
    """It may not create runs of a DAG that is not there."""
    user_with(harness, "least", *LEAST_ROLE)

    found = _found(harness, storage_account, user="least", password="pw")

    assert _faults(found) == []
    assert found["creating runs"].state is State.NOTE
    assert found["DAGs"].state is State.WELL
