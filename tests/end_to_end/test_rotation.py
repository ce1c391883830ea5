"""The password changes in Key Vault and in a real Airflow 3, and its tokens expire, while files arrive."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from local.airflow import Airflow, start_airflow
from local.postgres import start_postgres
from local.processes import NotInstalledError
from shared import wiring
from shared.airflow.build import build_airflow_client
from shared.app import App
from shared.event_log import EventLog
from tests.end_to_end.conftest import DAG_ID
from tests.key_vault.azure import Azure
from tests.support.missing import missing
from tests.support.rows import OUTBOX, count_rows

pytestmark = [pytest.mark.stack, pytest.mark.airflow]

TOKEN_SECONDS = 5


@pytest.fixture
def short_token_airflow() -> Iterator[Airflow]:
    """Yield an Airflow whose tokens expire after seconds."""
    with ExitStack() as stack:
        try:
            database = stack.enter_context(start_postgres()).new_database()
            airflow = start_airflow(
                dags_folder=Path(__file__).with_name("dags"),
                database_url=database,
                variables={"AIRFLOW__API_AUTH__JWT_EXPIRATION_TIME": str(TOKEN_SECONDS)},
            )
        except NotInstalledError as error:
            missing(error)
        stack.enter_context(airflow)
        airflow.api.wait_for_dags({DAG_ID})
        yield airflow


@pytest.mark.fault("password rotated, tokens expire in the middle", airflow="3, PostgreSQL")
def test_rotation_while_files_arrive_loses_no_event(
    storage_account: str,
    landing: ContainerClient,
    short_token_airflow: Airflow,
    azure: Azure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No event fails or even waits, whichever side is changed first."""
    # A second after a rejection, not half a minute: the password changes twice within seconds.
    build = partial(build_airflow_client, refusal_pause_seconds=1)
    monkeypatch.setattr(wiring, "build_airflow_client", build)
    log = EventLog()
    azure.put("airflow", _secret(short_token_airflow, short_token_airflow.password))
    app = App(
        {
            "AzureWebJobsStorage": storage_account,
            "LandingStorage": storage_account,
            "LANDING_PATH": f"{landing.container_name}/{{name}}",
            "AIRFLOW_BASE_URL": short_token_airflow.base_url,
            "AIRFLOW_DAG_ID": DAG_ID,
            "KEY_VAULT_URI": azure.vault_uri,
            "AIRFLOW_CREDENTIAL_SECRET": "airflow",
        },
        log,
    )
    files = 0
    began = time.monotonic()
    changes = [(4, "vault first"), (9, "Airflow first")]
    while time.monotonic() - began < 3 * TOKEN_SECONDS:
        if changes and time.monotonic() - began > changes[0][0]:
            seconds, order = changes.pop(0)
            new = f"new-password-{seconds}"
            if order == "Airflow first":
                _set_password(short_token_airflow, new)
            azure.put("airflow", _secret(short_token_airflow, new))
            _set_password(short_token_airflow, new)
        landing.upload_blob(f"{files}.csv", b"x")
        app.on_blob(landing.container_name, f"{files}.csv")
        files += 1
        time.sleep(0.1)

    assert files > 50
    # No event of a run but its creation: none has failed or waited, not even for a moment.
    assert {name: n for name, n in log.counts.items() if name.startswith("run.")} == {"run.created": files}
    assert count_rows(storage_account, OUTBOX) == 0
    assert azure.requests["secret"] >= 2


def _secret(airflow: Airflow, password: str) -> str:
    return json.dumps({"username": airflow.username, "password": password})


def _set_password(airflow: Airflow, password: str) -> None:
    """Change it in the file that the simple auth manager reads at each log-in."""
    file = airflow.place.home / "passwords.json"
    assert file.exists()
    file.write_text(json.dumps({airflow.username: password}), encoding="utf-8")
