"""Nothing secret shows in what the whole app leaves behind: log, rows, dead letters, exceptions."""

import json
import logging
import traceback
from collections.abc import Mapping
from typing import Any

import pytest

from shared.airflow.client import AirflowClient
from shared.app import App
from shared.event_log import EventLog
from shared.model.errors import BlobToDagError
from tests.airflow.harness import vault_client
from tests.airflow.test_secrecy import AUTHS, CANARY, DIALECTS, ECHOES, SECRET, Gateway
from tests.key_vault.azure import Azure
from tests.support.airflow_server import airflow_server
from tests.support.harness import OutboxHarness

BASE = {
    "AIRFLOW_BASE_URL": "https://airflow.example.com",
    "AIRFLOW_DAG_ID": "copy_file",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "LandingStorage": "UseDevelopmentStorage=true",
}


def left_behind(client: AirflowClient) -> str:
    """Let files land, and time pass; return all rows, dead letters and states."""
    app = OutboxHarness(airflow=client)  # type: ignore[arg-type]
    app.arrive("a.csv", "b.csv")
    app.pass_time(90)
    tables = [*app.storage.outbox.rows.values(), *app.storage.dead.rows.values()]
    assert tables
    return repr(tables)


@pytest.mark.parametrize("api", DIALECTS)
@pytest.mark.parametrize("auth", AUTHS)
def test_rows_and_dead_letters_hold_no_secret(
    azure: Azure, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], auth: str, api: str
) -> None:
    """A row keeps Airflow's own words, and a gateway repeats what it was sent in them."""
    if auth == "token" and api != "v2":
        auth = "basic"
    caplog.set_level(logging.DEBUG)
    azure.put("airflow-credentials", json.dumps(SECRET))
    written, sent = [], set[str]()
    with airflow_server() as server:
        for status in ECHOES:
            gateway = Gateway(status)
            server.faults[:] = [gateway]
            client = vault_client(
                server,
                azure,
                EventLog(),
                AIRFLOW_API=api,
                AIRFLOW_AUTH=auth,
                AIRFLOW_ENTRA_SCOPE="api://airflow/.default",
                AIRFLOW_OAUTH_TOKEN_URL=f"{server.base_url}/oauth",
            )
            written.append(left_behind(client))
            sent |= gateway.sent
    text = "\n".join([*written, caplog.text, *capfd.readouterr()])

    assert sent
    assert [secret for secret in sent if secret in text] == []
    assert "canary" not in text
    assert "***" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"AIRFLOW_BASE_URL": f"https://airflow.example.com/?api_key={CANARY}"},
        {"AIRFLOW_BASE_URL": f"https://{CANARY}@[::1"},
        {"KEY_VAULT_URI": f"DefaultEndpointsProtocol=https;AccountKey={CANARY}"},
        {
            "LandingStorage": "",
            "LandingStorage__blobServiceUri": f"https://a.blob.core.windows.net?sig={CANARY}",
        },
        {"LandingStorage": f"AccountKey={CANARY}"},
        {"LandingStorage": f"BlobEndpoint=http://[::1/{CANARY};AccountName=a;AccountKey={CANARY}"},
        {"LandingStorage": f"{CANARY}"},
        {"AzureWebJobsStorage": f"AccountName=a;AccountKey={CANARY}"},
        {"AzureWebJobsStorage": f"SharedAccessSignature={CANARY}"},
        {"AIRFLOW_ROUTES": f'conf = "{CANARY}'},
        {"KEY_VAULT_URI": "https://v.vault.azure.net", "AZURE_CLIENT_SECRET": CANARY, "AZURE_TENANT_ID": "?"},
        {"AIRFLOW_CLIENT_CERTIFICATE": f"-----BEGIN PRIVATE KEY-----\n{CANARY}"},
        {"AIRFLOW_PASWORD": CANARY},
        {"AIRFLOW_ROUTES": f"x = {'[' * 3_000}{CANARY!r}"},
    ],
)
def test_settings_that_cannot_be_used_do_not_show(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], changes: Mapping[str, Any]
) -> None:
    """In the log, and in the exception that the platform logs."""
    caplog.set_level(logging.DEBUG)
    app = App({**BASE, **changes}, EventLog())
    app._built()
    shown = []
    try:
        raise app._fault or KeyError
    except (BlobToDagError, KeyError) as error:
        shown.append("".join(traceback.format_exception(error)))

    assert CANARY not in "\n".join([*shown, caplog.text, *capfd.readouterr()])
