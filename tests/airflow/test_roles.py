"""The least role that works, and what a lesser one is told, in real Airflows."""

import json

import pytest

from local.airflow import AIRFLOW_3
from local.airflow.kind_2 import AIRFLOW_2
from shared.airflow.client import AirflowClient, Delivery
from shared.model.errors import Forbidden, LookUpForbidden
from tests.airflow.stand import Stand, run_request

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


def client_as(stand: Stand, username: str, password: str) -> AirflowClient:
    """Build a client that logs in as somebody else."""
    return stand.client(AIRFLOW_USERNAME=username, AIRFLOW_PASSWORD=password)


def user_of_2(stand: Stand, name: str, *permissions: tuple[str, str]) -> AirflowClient:
    """Make a role with these permissions and a user who has it; documented so for Airflow 2."""
    AIRFLOW_2.run(stand.airflow.place, "roles", "create", name)
    for action, resource in permissions:
        AIRFLOW_2.run(stand.airflow.place, "roles", "add-perms", name, "-a", action, "-r", resource)
    AIRFLOW_2.make_user(stand.airflow.place, name, "pw", role=name)
    return client_as(stand, name, "pw")


def user_of_3(stand: Stand, name: str) -> AirflowClient:
    """Log in as a user whose password the simple auth manager has made up."""
    home = stand.airflow.place.home
    passwords = json.loads((home / "passwords.json").read_text(encoding="utf-8"))
    return client_as(stand, name, passwords[name])


@pytest.mark.generations("v1", "v2")
def test_least_role_starts_runs_and_finds_them(stand: Stand) -> None:
    """As `docs/airflow.md` says for each generation; 1.10's API has no roles."""
    if stand.airflow.kind is AIRFLOW_3:
        client = user_of_3(stand, "starter")
    else:
        client = user_of_2(
            stand,
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
def test_role_that_may_only_look_is_told_what_it_lacks(stand: Stand) -> None:
    """Not bad credentials: those are fine."""
    if stand.airflow.kind is AIRFLOW_3:
        client = user_of_3(stand, "viewer")
    else:
        AIRFLOW_2.make_user(stand.airflow.place, "viewer", "pw", role="Viewer")
        client = client_as(stand, "viewer", "pw")

    with pytest.raises(Forbidden, match="role"):
        client.trigger(run_request())


@pytest.mark.generations("v1")
def test_role_that_may_create_but_not_read_is_told_so(stand: Stand) -> None:
    """Its first delivery works; a repeated one cannot be confirmed. Airflow 3's usual roles always read."""
    client = user_of_2(stand, "blind", ("can_create", "DAG Runs"), ("can_edit", "DAG:contract_take"))
    run = run_request()

    assert client.trigger(run) is Delivery.CREATED
    with pytest.raises(LookUpForbidden, match="Let it read them"):
        client.trigger(run)
