"""Nothing secret shows, whatever fails: in logs, errors with their causes, `repr`s and output."""

import base64
import json
import logging
import traceback

import pytest

from shared.airflow.redaction import redacted
from shared.event_log import EventLog
from shared.model.errors import BlobToDagError, Misconfigured
from tests.airflow.harness import run_request, vault_client
from tests.key_vault.azure import Azure
from tests.support.airflow_server import AirflowServer, Exchange, airflow_server

CANARY = "canary-3f9a"
SECRET = {
    "username": "app",
    "password": f"{CANARY}-password",
    "token": f"{CANARY}-token",
    "client_id": "33333333-3333-3333-3333-333333333333",
    "client_secret": f"{CANARY}-client&secret",
}
AUTHS = ["token", "basic", "bearer", "header", "oauth", "entra"]
DIALECTS = ["v2", "v1", "experimental"]
TROUBLES = [
    "refused",
    "page",
    "hang up",
    "vault down",
    "entra down",
    "no fields",
    "line break",
    "curly quotes",
]
ECHOES = [400, 401, 403, 404, 409, 422, 429, 500]
SENT_HEADERS = ("Authorization", "X-API-Key")


class Gateway:
    """Answers with what it was sent, as AWS API Gateway does, or fails in another way."""

    def __init__(self, trouble: str | int) -> None:
        self.trouble = trouble
        self.sent: set[str] = set()

    def __call__(self, exchange: Exchange) -> bool:
        headers = exchange.handler.headers
        sent = [headers[name] for name in SENT_HEADERS if headers[name]]
        self.sent |= {word for header in sent for word in (header, header.partition(" ")[2]) if word}
        if exchange.path in {"/auth/token", "/oauth"} and isinstance(self.trouble, int):
            exchange.answer(
                201 if exchange.path == "/auth/token" else 200, {"access_token": f"{CANARY}-issued"}
            )
            return True
        match self.trouble:
            case "refused":
                exchange.answer(401, {"detail": "no"})
            case "page":
                exchange.answer(500, f"<html>{sent} {exchange.body}</html>")
            case "hang up":
                exchange.hang_up()
            case int():
                alone = [header.partition(" ")[2] for header in sent]
                text = f"{alone} {sent} is no key=value pair, nor is {json.dumps(sent)}, {exchange.body}"
                echo = {"detail": text, "error": text, "title": text, "message": text}
                exchange.answer(self.trouble, echo, Retry_After="0", X_Echo="".join(sent))
            case _:
                exchange.answer(403, {"detail": "no"})
        return True


def shown_by(error: BaseException) -> str:
    """Return all that a log of an uncaught exception would have."""
    chain = "".join(traceback.format_exception(error))
    return "\n".join([chain, str(error), repr(error), repr(error.args)])


def fail_everywhere(server: AirflowServer, azure: Azure, api: str, auth: str, log: EventLog) -> str:
    """Call every operation twice; return what their errors and the `repr`s of the client show."""
    client = vault_client(
        server,
        azure,
        log,
        AIRFLOW_API=api,
        AIRFLOW_AUTH=auth,
        AIRFLOW_ENTRA_SCOPE="api://airflow/.default",
        AIRFLOW_OAUTH_TOKEN_URL=f"{server.base_url}/oauth",
    )
    operations = (
        lambda: client.trigger(run_request(dag_id="copy_file", conf={"filename": "a.csv"})),
        client.check_log_in,
        client.dag_ids,
        lambda: client.find("copy_file", "r1"),
    )
    shown = []
    for operation in (*operations, *operations):
        try:
            operation()
        except BlobToDagError as error:
            shown.append(shown_by(error))
    assert shown
    shown += [repr(vars(client)), repr(client._sessions), repr(client._sessions.get())]
    return "\n".join(shown)


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_secret_shows_on_any_failing_path(
    azure: Azure, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], auth: str, trouble: str
) -> None:
    """Every way to log in, and every part that can fail."""
    caplog.set_level(logging.DEBUG)
    broken = {"line break": "{}\n", "curly quotes": "\u201c{}\u201d"}.get(trouble, "{}")
    secret = {name: broken.format(value) for name, value in SECRET.items()}
    azure.put("airflow-credentials", "{}" if trouble == "no fields" else json.dumps(secret))
    azure.vault_status = 503 if trouble == "vault down" else None
    azure.entra_status = 500 if trouble == "entra down" else None
    with airflow_server() as server:
        server.faults.append(Gateway(trouble))
        written = fail_everywhere(server, azure, "v2", auth, EventLog())
    written = "\n".join([written, caplog.text, *capfd.readouterr()])

    assert "canary" not in written
    assert "<html" not in written


@pytest.mark.parametrize("api", DIALECTS)
@pytest.mark.parametrize("auth", AUTHS)
def test_credentials_that_a_gateway_repeats_do_not_show(
    azure: Azure, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], auth: str, api: str
) -> None:
    """In whole or after their scheme, in every status, where each generation has its error text."""
    if (auth, api) in {("token", "v1"), ("token", "experimental")}:
        auth = "basic"
    caplog.set_level(logging.DEBUG)
    azure.put("airflow-credentials", json.dumps(SECRET))
    written = []
    sent: set[str] = set()
    with airflow_server() as server:
        for status in ECHOES:
            gateway = Gateway(status)
            server.faults[:] = [gateway]
            written.append(fail_everywhere(server, azure, api, auth, EventLog()))
            sent |= gateway.sent
    text = "\n".join([*written, caplog.text, *capfd.readouterr()])

    assert sent
    assert [secret for secret in sent if secret in text] == []
    assert "canary" not in text
    assert "***" in text


@pytest.mark.parametrize("value", ["{}\n", "{}\r\nX-Injected: 1", "\u201c{}\u201d", "{}\x00", " {}"])
@pytest.mark.parametrize("auth", ["bearer", "header", "basic"])
def test_secret_that_cannot_be_sent_is_named_and_not_repeated(azure: Azure, auth: str, value: str) -> None:
    """A line break or curly quotes from a clipboard: the library's own error has the header's value."""
    field = "password" if auth == "basic" else "token"
    azure.put("airflow-credentials", json.dumps({**SECRET, field: value.format(CANARY)}))
    if auth == "basic" and value.isprintable():
        return  # a password may have any printable character
    with airflow_server() as server:
        client = vault_client(server, azure, EventLog(), AIRFLOW_API="v2", AIRFLOW_AUTH=auth)
        with pytest.raises(Misconfigured, match=f"The {field} to log in") as caught:
            client.trigger(run_request(dag_id="copy_file"))
    assert "airflow-credentials" in str(caught.value)
    assert CANARY not in shown_by(caught.value)
    assert server.requests == {}


def test_secret_is_taken_out_in_every_spelling() -> None:
    """A gateway may quote it for a URL or for JSON; short words stay as they are."""
    secret = 'p&s "w\u00f6rd'
    texts = [secret, "p%26s%20%22w%C3%B6rd", "p%26s+%22w%C3%B6rd", json.dumps(secret)[1:-1]]

    assert [redacted(f"<{text}>", [secret]) for text in texts] == ["<***>"] * 4
    assert redacted("Dag with dag_id: 'app'", ["app", ""]) == "Dag with dag_id: 'app'"
    assert redacted("abcd-1 abcd", ["abcd", "abcd-1"]) == "*** ***"


def test_password_is_taken_out_where_only_the_pair_was_sent(azure: Azure) -> None:
    """A gateway may decode what it was sent."""
    azure.put("airflow-credentials", json.dumps(SECRET))

    def decode(exchange: Exchange) -> bool:
        pair = base64.b64decode(exchange.handler.headers["Authorization"].partition(" ")[2]).decode()
        exchange.answer(400, {"detail": f"no such user: {pair.split(':')}"})
        return True

    with airflow_server() as server:
        server.faults.append(decode)
        client = vault_client(server, azure, EventLog(), AIRFLOW_API="v1", AIRFLOW_AUTH="basic")
        with pytest.raises(BlobToDagError, match=r"no such user: \['app', '\*\*\*'\]"):
            client.trigger(run_request(dag_id="copy_file"))


def test_rejected_token_is_taken_out_of_the_answer_to_its_successor(azure: Azure) -> None:
    """Both were sent for one response."""
    azure.put("airflow-credentials", json.dumps(SECRET))
    tokens: list[str] = []

    def answer(exchange: Exchange) -> bool:
        if exchange.path == "/auth/token":
            tokens.append(f"{CANARY}-issued-{len(tokens)}")
            exchange.answer(201, {"access_token": tokens[-1]})
        elif len(tokens) == 1:
            exchange.answer(401, {"detail": "Token Expired"})
        else:
            exchange.answer(400, {"detail": f"none of {tokens} is good"})
        return True

    with airflow_server() as server:
        server.faults.append(answer)
        client = vault_client(server, azure, EventLog(), AIRFLOW_API="v2", AIRFLOW_AUTH="token")
        with pytest.raises(BlobToDagError, match=r"none of \['\*\*\*', '\*\*\*'\] is good"):
            client.trigger(run_request(dag_id="copy_file"))
    assert len(tokens) == 2
