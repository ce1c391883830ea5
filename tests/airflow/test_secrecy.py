"""Nothing secret shows, whatever fails."""

import json
import logging

import pytest

from shared.event_log import EventLog
from shared.model.errors import BlobToDagError
from tests.airflow.harness import run_request, vault_client
from tests.key_vault.azure import Azure
from tests.support.airflow_server import Exchange, airflow_server

CANARY = "canary-3f9a"


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
        client = vault_client(
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
        shown += [repr(vars(client)), repr(client._sessions), repr(client._sessions.get())]
    written = "\n".join([*shown, caplog.text, *capfd.readouterr()])

    assert CANARY not in written
    assert "canary" not in written
    assert "<html" not in written
