"""The least role that works, and the error of a lesser one, in real Airflows."""

import json
from datetime import UTC, datetime

import pytest

from local.airflow import AIRFLOW_3
from local.airflow.kind_2 import AIRFLOW_2
from shared.airflow.client import AirflowClient, Delivery
from shared.model.errors import Forbidden, LookUpForbidden
from tests.airflow.harness import AirflowHarness, run_request

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


def client_as(harness: AirflowHarness, username: str, password: str) -> AirflowClient:
    """Build a client that logs in as somebody else."""
    return harness.client(AIRFLOW_USERNAME=username, AIRFLOW_PASSWORD=password)


def user_of_2(harness: AirflowHarness, name: str, *permissions: tuple[str, str]) -> AirflowClient:
    """Make a role with these permissions and a user who has it; documented so for Airflow 2."""
    AIRFLOW_2.run(harness.airflow.place, "roles", "create", name)
    for action, resource in permissions:
        AIRFLOW_2.run(harness.airflow.place, "roles", "add-perms", name, "-a", action, "-r", resource)
    AIRFLOW_2.make_user(harness.airflow.place, name, "pw", role=name)
    return client_as(harness, name, "pw")


def user_of_3(harness: AirflowHarness, name: str) -> AirflowClient:
    """Log in as a user whose password the simple auth manager has made up."""
    home = harness.airflow.place.home
    passwords = json.loads((home / "passwords.json").read_text(encoding="utf-8"))
    return client_as(harness, name, passwords[name])


@pytest.mark.generations("v1", "v2")
def test_least_role_starts_runs_and_finds_them(harness: AirflowHarness) -> None:
    """As `docs/airflow.md` says for each generation; 1.10's API has no roles."""
    if harness.airflow.kind is AIRFLOW_3:
        client = user_of_3(harness, "starter")
    else:
        client = user_of_2(
            harness,
            "blob_to_dag",
            ("can_create", "DAG Runs"),
            ("can_read", "DAG Runs"),
            ("can_read", "DAGs"),
            ("can_edit", "DAG:contract_take"),
        )
    run = run_request()

    assert client.trigger(run) is Delivery.CREATED
    assert client.trigger(run) is Delivery.ALREADY_THERE
    assert client.is_paused("contract_take") is False
    assert client.waiting_runs() >= 0


@pytest.mark.generations("v1", "v2")
def test_role_that_may_only_read_is_forbidden(harness: AirflowHarness) -> None:
    """Not bad credentials: they are accepted."""
    if harness.airflow.kind is AIRFLOW_3:
        client = user_of_3(harness, "viewer")
    else:
        AIRFLOW_2.make_user(harness.airflow.place, "viewer", "pw", role="Viewer")
        client = client_as(harness, "viewer", "pw")

    with pytest.raises(Forbidden, match="role"):
        client.trigger(run_request())


@pytest.mark.generations("v1")
def test_role_that_may_create_but_not_read_lacks_look_ups(harness: AirflowHarness) -> None:
    """Airflow 2 confirms a repeated run id without one, not a taken date. Airflow 3's usual roles read."""
    client = user_of_2(harness, "blind", ("can_create", "DAG Runs"), ("can_edit", "DAG:contract_take"))
    run = run_request()

    assert client.trigger(run) is Delivery.CREATED
    assert client.trigger(run) is Delivery.ALREADY_THERE
    date = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
    assert client.trigger(run_request(logical_date=date)) is Delivery.CREATED
    with pytest.raises(LookUpForbidden, match="Allow it to read them"):
        client.trigger(run_request(logical_date=date))
