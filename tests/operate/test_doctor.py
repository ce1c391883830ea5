"""`doctor` finds what is wrong, says what repairs it, and does not try what cannot work then."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient

from operate.desk import Desk
from operate.doctor import storage
from operate.doctor.check import Finding, State, examine
from operate.doctor.order import CHECKS
from operate.origin import Origin
from shared.model.errors import Forbidden
from shared.timing import Timing
from tests.operate.conftest import Run
from tests.operate.samples import LANE
from tests.support.airflow_server import AirflowServer, Exchange, Fault, airflow_server
from tests.support.storage_server import Reply, error, serve_storage

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

WATCH = """[landing]
watch = ["landing", "lost"]
[[route]]
name = "all"
match = "landing/**"
dag_id = "copy_file"
"""
FORBIDDEN = {"detail": "Forbidden"}


@pytest.fixture
def airflow() -> Iterator[AirflowServer]:
    """Yield a stand-in for Airflow that has the DAG of the app."""
    with airflow_server(password="right") as server:
        yield server


@pytest.fixture
def settings(storage_account: str, airflow: AirflowServer) -> dict[str, str]:
    """Return the app settings of an app for which all is well."""
    return {
        "AzureWebJobsStorage": storage_account,
        "LandingStorage": storage_account,
        "AIRFLOW_BASE_URL": airflow.base_url,
        "AIRFLOW_DAG_ID": "copy_file",
        "AIRFLOW_USERNAME": "admin",
        "AIRFLOW_PASSWORD": "right",
    }


@pytest.fixture(autouse=True)
def watched(storage_account: str) -> Iterator[ContainerClient]:
    """Yield the container that the app watches."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        yield service.create_container("landing")


def _found(desk: Desk) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine(desk, CHECKS)}


def _changed(desk: Desk, settings: Mapping[str, str], **changes: str) -> Desk:
    return replace(desk, origin=Origin(title="x", settings={**settings, **changes}))


def _answering(method: str, end: str, status: int, body: object) -> Fault:
    def fault(exchange: Exchange) -> bool:
        is_meant = exchange.method == method and exchange.path.endswith(end)
        if is_meant:
            exchange.answer(status, body)
        return is_meant

    return fault


def test_order_puts_what_is_needed_first() -> None:
    """Each check comes after those that it needs, and has a name of its own."""
    names = [check.name for check in CHECKS]

    assert len(names) == len(set(names))
    for index, check in enumerate(CHECKS):
        assert set(check.needs) <= set(names[:index]), check.name


def test_nothing_is_wrong_and_nothing_is_changed(
    run: Run, airflow: AirflowServer, watched: ContainerClient, desk: Desk
) -> None:
    """Exit status 0, a line for each check, no run, no row, no blob, no secret."""
    shown = run("doctor", "--json")
    lines = [json.loads(line) for line in shown.out.splitlines()]

    assert shown.status == 0
    assert [line["check"] for line in lines] == [check.name for check in CHECKS]
    assert {line["state"] for line in lines} == {"ok", "note"}
    notes = {line["check"] for line in lines if line["state"] == "note"}
    assert notes == {"app", "app's roles", "event subscription", "event dead letters", "vault"}
    assert airflow.runs == {}
    assert list(watched.list_blobs()) == []
    assert list(desk.outbox_table.scan()) == []
    assert "right" not in shown.out + shown.err


def test_fault_is_shown_with_the_exit_status_of_a_fault(run: Run, airflow: AirflowServer) -> None:
    """A monitor sees it by the number, a person by the word."""
    airflow.dags.clear()

    shown = run("doctor")

    assert shown.status == 3
    assert "fault      DAGs                Airflow has no DAG 'copy_file'" in shown.out


@pytest.mark.parametrize(
    ("changes", "check", "said", "not_tried"),
    [
        ({"AIRFLOW_BASE_URL": "ftp://x"}, "settings", "AIRFLOW_BASE_URL", {"routes", "DAGs", "queues"}),
        ({"AIRFLOW_ROUTES": "[[route]]"}, "routes", "AIRFLOW_ROUTES", {"reading runs", "DAGs"}),
        ({"LANDING_PATH": "lost/{name}"}, "landing container", "no container 'lost'", {"storage's clock"}),
        ({"AIRFLOW_ROUTES": WATCH}, "landing container", "no container 'lost'", {"storage's clock"}),
        ({"AIRFLOW_PASSWORD": "wrong"}, "Airflow's log-in", "Check the credentials", {"creating runs"}),
        ({"AIRFLOW_BASE_URL": "http://127.0.0.1:9"}, "Airflow's address", "connection refused", {"DAGs"}),
    ],
)
def test_what_needs_it_is_not_tried_and_the_rest_is(
    desk: Desk,
    settings: Mapping[str, str],
    changes: dict[str, str],
    check: str,
    said: str,
    not_tried: set[str],
) -> None:
    """One fault is one sentence; the tables are looked at all the same."""
    found = _found(_changed(desk, settings, **changes))

    assert [name for name, finding in found.items() if finding.state is State.FAULT] == [check]
    assert said in found[check].text
    skipped = {name for name, finding in found.items() if finding.state is State.NOT_TRIED}
    assert not_tried <= skipped
    assert all(found[name].text.startswith("needs: ") for name in skipped)
    assert found["tables, writing"].state is State.WELL


@pytest.mark.parametrize(
    ("fault", "check", "said"),
    [
        (_answering("GET", "/version", 404, "<html>"), "Airflow's API", "No Airflow API was found"),
        (
            _answering("GET", "/dags/copy_file", 200, {"is_paused": True, "has_import_errors": False}),
            "DAGs",
            "'copy_file' is paused: its runs wait in Airflow until it is unpaused",
        ),
        (
            _answering("GET", "/dags/copy_file", 200, {"is_paused": False, "has_import_errors": True}),
            "DAGs",
            "'copy_file' has import errors",
        ),
        (
            _answering("GET", "/dagRuns/blob-to-dag-doctor", 403, FORBIDDEN),
            "reading runs",
            "to read the runs of 'copy_file'",
        ),
    ],
    ids=["no API", "paused", "broken", "no look-ups"],
)
def test_fault_of_airflow_is_found(
    desk: Desk, airflow: AirflowServer, fault: Fault, check: str, said: str
) -> None:
    """By the check that it is about, and no other."""
    airflow.faults.append(fault)

    found = _found(desk)

    assert [name for name, finding in found.items() if finding.state is State.FAULT] == [check]
    assert said in found[check].text


def test_role_that_may_not_create_every_run_is_a_fault_only_where_runs_wait_for_it(
    desk: Desk, airflow: AirflowServer
) -> None:
    """A role for single DAGs is the one that is recommended."""
    airflow.faults.append(_answering("POST", "/dagRuns", 403, FORBIDDEN))

    before = _found(desk)["creating runs"]
    desk.outbox.hold(LANE, Forbidden("The role may not."))
    after = _found(desk)["creating runs"]

    assert (before.state, after.state) == (State.NOTE, State.FAULT)
    assert "copy_file" in after.text
    assert "docs/security.md" in after.text


@pytest.mark.parametrize(
    ("ahead", "said"), [(timedelta(seconds=90), "ahead of"), (timedelta(hours=-2), "behind")]
)
def test_clock_that_is_off_is_a_fault(desk: Desk, ahead: timedelta, said: str) -> None:
    """By more than a minute, against storage and against Airflow."""
    desk = replace(desk, timing=Timing(now=lambda: datetime.now(UTC) + ahead))

    found = _found(desk)

    for check in ("storage's clock", "Airflow's clock"):
        assert found[check].state is State.FAULT
        assert said in found[check].text


def test_dead_letters_that_the_app_has_left_are_counted(desk: Desk, storage_account: str) -> None:
    """It takes fresh ones back by itself."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        service.create_container("eventgrid-deadletter").upload_blob("a/1.json", b"[]")

    fresh = _found(desk)["event dead letters"]
    later = Timing(now=lambda: datetime.now(UTC) + timedelta(hours=2))
    left = _found(replace(desk, timing=later))["event dead letters"]

    assert fresh.state is State.WELL
    assert left.state is State.FAULT
    assert left.text.startswith("1 dead letters of Event Grid")


@pytest.mark.parametrize(
    ("refused", "check", "state", "role"),
    [
        ("HEAD", "landing container", State.FAULT, "Storage Blob Data Reader"),
        ("GET /acct/airflow", "tables, reading", State.FAULT, "Storage Table Data Reader"),
        ("DELETE", "tables, writing", State.NOTE, "Storage Table Data Contributor"),
        ("GET /acct/webjobs", "queues", State.NOTE, "Storage Queue Data Reader"),
    ],
)
def test_missing_role_is_named_with_the_command_that_grants_it(
    desk: Desk, settings: Mapping[str, str], refused: str, check: str, state: State, role: str
) -> None:
    """What only changes something, or what no command needs, is no fault of the app."""
    code = "AuthorizationPermissionMismatch"
    with serve_storage() as service:

        def answer(method: str, path: str) -> Reply:
            if f"{method} {path}".startswith(refused):
                return error(403, code, x_ms_error_code=code)
            if method == "GET" and "airflow" in path:
                return Reply(status=200, body={"value": []})
            return error(404, "BlobNotFound", x_ms_error_code="BlobNotFound")

        service.answer = answer
        connection = service.connection_string
        found = _found(_changed(desk, settings, AzureWebJobsStorage=connection, LandingStorage=connection))

    assert found[check].state is state
    assert f"az role assignment create --role {role!r}" in found[check].text


def test_secret_that_is_not_there_is_made_with_a_command(
    desk: Desk, settings: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log-in that needs it is not tried."""

    def no_secret(_: Desk) -> str:
        msg = "(SecretNotFound) A secret with (name/id) airflow-credentials was not found."
        raise ResourceNotFoundError(msg)

    monkeypatch.setattr(storage, "read_vault", no_secret)

    found = _found(_changed(desk, settings, KEY_VAULT_URI="https://kv-x.vault.azure.net"))

    assert found["vault"].state is State.FAULT
    assert "az keyvault secret set --vault-name kv-x --name airflow-credentials" in found["vault"].text
    assert found["Airflow's log-in"].text == "needs: vault"
