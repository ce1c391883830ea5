"""The least role that works, and the error of a lesser one, in real Airflows."""

import json
from datetime import UTC, datetime

import pytest

from local.airflow import AIRFLOW_3
from local.airflow.fab_users import make_user, run_command
from local.airflow.kind_2 import AIRFLOW_2
from local.airflow.kind_3_fab import AIRFLOW_3_FAB
from shared.airflow.client import AirflowClient, Delivery
from shared.airflow.run_list import ALL_DAGS, list_runs
from shared.model.errors import CredentialsRefused, DagMissing, Forbidden, LookUpForbidden
from tests.airflow.harness import AirflowHarness, run_request

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]


LEAST_ROLE = (
    ("can_create", "DAG Runs"),
    ("can_read", "DAG Runs"),
    ("can_edit", "DAG:contract_take"),
    ("can_read", "DAG:contract_take"),
)
"""As `docs/security.md` has it, for Airflow 2 and for the FAB auth manager."""


def client_as(harness: AirflowHarness, username: str, password: str) -> AirflowClient:
    """Build a client that logs in as somebody else."""
    return harness.client(AIRFLOW_USERNAME=username, AIRFLOW_PASSWORD=password)


def user_with(harness: AirflowHarness, name: str, *permissions: tuple[str, str]) -> AirflowClient:
    """Make a role with these permissions and a user who has it; documented so for Airflow 2 and for FAB."""
    kind = AIRFLOW_2 if harness.airflow.kind is AIRFLOW_2 else AIRFLOW_3_FAB
    # One command, for each takes seconds.
    role = [{"name": name, "action": action, "resource": resource} for action, resource in permissions]
    file = harness.airflow.place.home / f"{name}.json"
    file.write_text(json.dumps(role), encoding="utf-8")
    run_command(kind, harness.airflow.place, "roles", "import", str(file))
    make_user(kind, harness.airflow.place, name, "pw", role=name)
    return client_as(harness, name, "pw")


def user_of_3(harness: AirflowHarness, name: str) -> AirflowClient:
    """Log in as a user whose password the simple auth manager has made up."""
    home = harness.airflow.place.home
    passwords = json.loads((home / "passwords.json").read_text(encoding="utf-8"))
    return client_as(harness, name, passwords[name])


@pytest.mark.generations("v1", "v2")
def test_least_role_starts_runs_and_finds_them(harness: AirflowHarness) -> None:
    """As `docs/security.md` says for each generation; 1.10's API has no roles."""
    if harness.airflow.kind is AIRFLOW_3:
        client = user_of_3(harness, "starter")
    else:
        client = user_with(harness, "blob_to_dag", *LEAST_ROLE)
    run = run_request()

    assert client.trigger(run) is Delivery.CREATED
    assert client.trigger(run) is Delivery.ALREADY_THERE
    assert client.is_paused("contract_take") is False
    assert client.waiting_runs() >= 0
    assert run.run_id in {each.run_id for each in list_runs(client.ask, ALL_DAGS, prefix="t-")}


@pytest.mark.generations("v1", "3-fab")
def test_runs_of_a_dag_that_the_role_may_not_read_are_left_out_of_the_list_of_all(
    harness: AirflowHarness,
) -> None:
    """Without a word; only the question for this DAG is forbidden."""
    hidden = run_request(dag_id="contract_paused")
    harness.client().trigger(hidden)
    client = user_with(harness, "narrow", *LEAST_ROLE)

    assert hidden.run_id not in {each.run_id for each in list_runs(client.ask, ALL_DAGS)}
    with pytest.raises(Forbidden):
        next(list_runs(client.ask, "contract_paused"))


@pytest.mark.generations("v1", "v2")
def test_role_that_may_only_read_is_forbidden(harness: AirflowHarness) -> None:
    """Not bad credentials: they are accepted."""
    if harness.airflow.kind is AIRFLOW_3:
        client = user_of_3(harness, "viewer")
    else:
        kind = AIRFLOW_2 if harness.airflow.kind is AIRFLOW_2 else AIRFLOW_3_FAB
        make_user(kind, harness.airflow.place, "viewer", "pw", role="Viewer")
        client = client_as(harness, "viewer", "pw")

    with pytest.raises(Forbidden, match="role"):
        client.trigger(run_request())


@pytest.mark.generations("v1")
def test_role_that_may_create_but_not_read_lacks_look_ups(harness: AirflowHarness) -> None:
    """Airflow 2 confirms a repeated run id without one, not a taken date. Airflow 3's usual roles read."""
    client = user_with(harness, "blind", ("can_create", "DAG Runs"), ("can_edit", "DAG:contract_take"))
    run = run_request()

    assert client.trigger(run) is Delivery.CREATED
    assert client.trigger(run) is Delivery.ALREADY_THERE
    date = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
    assert client.trigger(run_request(logical_date=date)) is Delivery.CREATED
    with pytest.raises(LookUpForbidden, match="Allow it to read them"):
        client.trigger(run_request(logical_date=date))


@pytest.mark.generations("3-fab")
def test_role_of_fab_that_may_not_read_runs_lacks_every_look_up(harness: AirflowHarness) -> None:
    """Airflow 3 hides which run conflicts, so a repeated delivery waits for the permission."""
    permissions = (("can_create", "DAG Runs"), ("can_edit", "DAG:contract_take"))
    client = user_with(harness, "blind", *permissions)
    run = run_request()

    assert client.trigger(run) is Delivery.CREATED
    with pytest.raises(LookUpForbidden, match="Allow it to read them"):
        client.trigger(run)


@pytest.mark.generations("v1", "3-fab")
def test_log_in_is_checked_without_a_permission_for_any_dag(harness: AirflowHarness) -> None:
    """A role that lacks the permission is known; a wrong password is not."""
    known = user_with(harness, "reader", ("can_read", "DAG Runs"), ("can_read", "DAG:contract_take"))
    with pytest.raises(Forbidden):
        known.trigger(run_request())
    known.check_log_in()
    with pytest.raises(CredentialsRefused):
        client_as(harness, "reader", "wrong").check_log_in()


@pytest.mark.generations("v1", "v2")
def test_import_error_is_shown_where_the_role_may_see_it(harness: AirflowHarness) -> None:
    """In the message of a missing DAG, with its line."""
    client = harness.client()
    with pytest.raises(DagMissing) as caught:
        client.trigger(run_request(dag_id="contract_broken"))

    message = str(client.explained(caught.value, "contract_broken"))
    assert "contract_broken.py" in message
    assert "ModuleNotFoundError" in message
