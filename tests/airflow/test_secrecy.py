"""Nothing secret shows, whatever fails."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.airflow.client import AirflowClient
from shared.errors import BlobToDagError
from shared.event_log import EventLog
from tests.airflow.certificates import self_signed
from tests.airflow.stand import STORAGE, client_of, run_request
from tests.airflow_server import AirflowServer, Exchange, airflow_server
from tests.key_vault.azure import IDENTITY_HEADER, Azure, serve_azure

CANARY = "canary-3f9a"


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """Yield a vault, and a managed identity for it."""
    certificate = self_signed(tmp_path, "127.0.0.1")
    with serve_azure(certificate) as azure:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{azure.vault_uri}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)
        yield azure


def client_for(server: AirflowServer, azure: Azure, log: EventLog, **changes: str) -> AirflowClient:
    """Build a client whose credentials are in the vault."""
    environ = {
        "AIRFLOW_BASE_URL": server.base_url,
        "KEY_VAULT_URI": azure.vault_uri,
        "AIRFLOW_DAG_ID": "copy_file",
        "CREDENTIAL_REFUSAL_PAUSE_SECONDS": "1",
        **STORAGE,
        **changes,
    }
    return client_of(environ, log)


@pytest.mark.parametrize("auth", ["token", "basic", "bearer", "header", "oauth", "entra"])
@pytest.mark.parametrize(
    "trouble", ["refused", "page", "echo", "hang up", "vault down", "entra down", "no fields"]
)
def test_no_secret_shows_on_any_failing_path(
    azure: Azure, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], auth: str, trouble: str
) -> None:
    """Logs, errors with their causes, `repr`s and output are searched for what only secrets hold."""
    caplog.set_level(logging.DEBUG)
    secret = {
        "username": "app",
        "password": f"{CANARY}-password",
        "token": f"{CANARY}-token",
        "client_id": "33333333-3333-3333-3333-333333333333",
        "client_secret": f"{CANARY}-client-secret",
    }
    azure.put("airflow-credentials", "{}" if trouble == "no fields" else json.dumps(secret))

    def misbehave(exchange: Exchange) -> bool:
        authorization = exchange.handler.headers.get("Authorization")
        match trouble:
            case "refused":
                exchange.answer(401, {"detail": "no"})
            case "page":
                exchange.answer(500, f"<html>{authorization} {exchange.body}</html>")
            case "echo":
                exchange.answer(422, {"detail": [{"loc": ["body"], "msg": "bad", "input": exchange.body}]})
            case "hang up":
                exchange.hang_up()
            case _:
                exchange.answer(403, {"detail": "no"})
        return True

    azure.vault_status = 503 if trouble == "vault down" else None
    azure.entra_status = 500 if trouble == "entra down" else None
    log = EventLog()
    with airflow_server() as server:
        server.faults.append(misbehave)
        client = client_for(
            server,
            azure,
            log,
            AIRFLOW_API="v2",
            AIRFLOW_AUTH=auth,
            AIRFLOW_ENTRA_SCOPE="api://airflow/.default",
            AIRFLOW_OAUTH_TOKEN_URL=f"{server.base_url}/oauth",
        )
        shown: list[str] = []
        for _ in range(2):
            with pytest.raises(BlobToDagError) as caught:
                client.trigger(run_request(dag_id="copy_file", conf={"filename": "a.csv"}))
            error: BaseException | None = caught.value
            while error is not None:
                shown += [str(error), repr(error), repr(error.args)]
                error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        shown += [repr(vars(client)), repr(client._link), repr(client._link.get())]
    written = "\n".join([*shown, caplog.text, *capfd.readouterr()])

    assert CANARY not in written
    assert "canary" not in written
    assert "<html" not in written
