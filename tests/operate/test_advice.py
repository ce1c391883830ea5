"""What an operator reads when a part does not answer: which role, which log-in, from where."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import HttpTransport

from operate.advice import CHANGE_TABLES, READ_SECRETS, explained
from operate.desk import Desk
from operate.origin import Origin
from shared.model.errors import AirflowUnreachable, StorageUnavailable
from tests.operate.conftest import run_with
from tests.support.storage_server import StorageServer, error, serve_storage

AZURE = {
    "AzureWebJobsStorage__blobServiceUri": "https://hostacct.blob.core.windows.net",
    "AzureWebJobsStorage__queueServiceUri": "https://hostacct.queue.core.windows.net",
    "AzureWebJobsStorage__tableServiceUri": "https://hostacct.table.core.windows.net",
    "LandingStorage__blobServiceUri": "https://landacct.blob.core.windows.net",
    "LandingStorage__queueServiceUri": "https://landacct.queue.core.windows.net",
    "KEY_VAULT_URI": "https://kv-x.vault.azure.net",
    "AIRFLOW_BASE_URL": "https://airflow.example.com",
    "AIRFLOW_DAG_ID": "copy_file",
}


@pytest.fixture(autouse=True)
def _no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK not really sleep between its own tries."""
    monkeypatch.setattr(HttpTransport, "sleep", lambda *_: None)


@pytest.fixture
def service() -> Iterator[StorageServer]:
    """Return a storage service that answers as the test says."""
    with serve_storage() as service:
        yield service


def _desk(settings: dict[str, str], *, is_local: bool = False) -> Desk:
    return Desk(origin=Origin(title="x", settings=settings, is_local=is_local), root=Path("no-such-folder"))


@pytest.mark.parametrize(
    ("command", "role"),
    [
        (("waiting",), "Storage Table Data Reader"),
        (("dead", "replay", "--all", "--yes"), "Storage Table Data Contributor"),
    ],
    ids=["read", "change"],
)
def test_missing_role_is_named_with_the_command_that_grants_it(
    service: StorageServer, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], role: str
) -> None:
    """Reading takes less than changing."""
    service.answer = lambda *_: error(403, "AuthorizationPermissionMismatch")
    settings = {**AZURE, "AzureWebJobsStorage": service.connection_string}

    shown = run_with(settings, monkeypatch, *command)

    assert shown.status == 1
    assert f"az role assignment create --role {role!r}" in shown.err
    assert "--name acct" in shown.err


@pytest.mark.parametrize("command", [("trace", "landing/a.csv"), ("send", "landing/a.csv")])
def test_deployed_app_is_looked_at_by_its_addresses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """As far as the log-in that a token takes."""
    monkeypatch.setenv("PATH", str(tmp_path))

    shown = run_with(AZURE, monkeypatch, *command)

    assert shown.status in {1, 4}
    assert "`az login`" in shown.out + shown.err


@pytest.mark.parametrize("command", [("trace", "landing/a.csv"), ("send", "landing/a.csv")])
def test_look_at_blobs_takes_a_role_of_its_own(
    service: StorageServer, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """On the landing account, not on that of the tables."""
    code = "AuthorizationPermissionMismatch"
    # A HEAD has no body.
    service.answer = lambda *_: error(403, code, x_ms_error_code=code)
    settings = {**AZURE, "LandingStorage": service.connection_string}
    settings["AzureWebJobsStorage"] = service.connection_string

    shown = run_with(settings, monkeypatch, *command)

    assert shown.status in {1, 4}
    assert "az role assignment create --role 'Storage Blob Data Reader'" in shown.out + shown.err


def test_firewall_is_no_missing_role(service: StorageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the role is told from where to run it."""
    service.answer = lambda *_: error(403, "AuthorizationFailure")
    settings = {**AZURE, "AzureWebJobsStorage": service.connection_string}

    shown = run_with(settings, monkeypatch, "waiting")

    assert "inside its network" in shown.err
    assert "role" not in shown.err


def test_without_a_log_in_it_says_az_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No request is sent without a token."""
    monkeypatch.setenv("PATH", str(tmp_path))

    shown = run_with(AZURE, monkeypatch, "waiting")

    assert shown.status == 1
    assert "`az login`" in shown.err


def test_roles_are_granted_on_what_they_are_for() -> None:
    """The host account for the tables, the vault for the secret."""
    refused = HttpResponseError("AuthorizationPermissionMismatch")
    refused.status_code = 403
    tables = StorageUnavailable("x")
    tables.__cause__ = refused
    vault = HttpResponseError("(Forbidden) Caller is not authorized.\nInner error: ForbiddenByRbac")
    vault.status_code = 403

    assert "storage account show --name hostacct " in explained(tables, _desk(AZURE), role=CHANGE_TABLES)
    assert "keyvault show --name kv-x " in explained(vault, _desk(AZURE), role=READ_SECRETS)


def test_part_that_cannot_be_reached_says_from_where() -> None:
    """The local stack may have ended, a private endpoint is reached from inside."""
    unreachable = AirflowUnreachable("Airflow cannot be reached.")

    assert "make run" in explained(unreachable, _desk(AZURE, is_local=True))
    assert "inside its network" in explained(unreachable, _desk(AZURE))


def test_nothing_secret_is_in_the_repr_of_a_desk() -> None:
    """Of the local stack the settings hold a password."""
    desk = replace(_desk({**AZURE, "AIRFLOW_PASSWORD": "hidden"}))

    assert "hidden" not in repr(desk)
