"""Every way to log in, over a real connection; and what is kept, renewed and refused."""

import base64
from typing import Any

import pytest

from shared.airflow.auth import AuthHeader
from shared.airflow.credentials import EnvironmentCredentials
from shared.airflow.tokens import Token
from shared.event_log import EventLog
from shared.model.errors import (
    Misconfigured,
)
from tests.airflow.harness import STORAGE, client_of, run_request
from tests.support.airflow_server import Exchange, airflow_server

ENVIRON = {
    "AIRFLOW_USERNAME": "app",
    "AIRFLOW_PASSWORD": "pä:ss",
    "AIRFLOW_TOKEN": "tok",
    "AIRFLOW_OAUTH_CLIENT_ID": "id",
    "AIRFLOW_OAUTH_CLIENT_SECRET": "s&=",
    "AIRFLOW_DAG_ID": "copy_file",
    **STORAGE,
}


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ("basic", "Authorization", "Basic " + base64.b64encode("app:pä:ss".encode()).decode()),
        ("bearer", "Authorization", "Bearer tok"),
        ("header", "X-API-Key", "tok"),
        ("oauth", "Authorization", "Bearer issued"),
        ("none", "Authorization", None),
    ],
)
def test_requests_carry_what_the_setting_says(auth: str, header: str, value: str | None) -> None:
    """And nothing else: no `.netrc`, no cookie."""
    seen: list[str | None] = []
    forms: list[str] = []

    def look(exchange: Exchange) -> bool:
        if exchange.path == "/oauth":
            forms.append(exchange.body["form"])
            exchange.answer(200, {"access_token": "issued", "expires_in": 60})
            return True
        if exchange.method == "POST":
            seen.append(exchange.handler.headers.get(header))
        return False

    with airflow_server() as airflow:
        airflow.faults.append(look)
        environ = {
            **ENVIRON,
            "AIRFLOW_BASE_URL": airflow.base_url,
            "AIRFLOW_AUTH": auth,
            "AIRFLOW_OAUTH_TOKEN_URL": f"{airflow.base_url}/oauth",
            "AIRFLOW_OAUTH_SCOPE": "api://a/.default",
        }
        client_of(environ, EventLog()).trigger(run_request(dag_id="copy_file"))

    assert seen == [value]
    if auth == "oauth":
        assert forms == [
            "grant_type=client_credentials&client_id=id&client_secret=s%26%3D&scope=api%3A%2F%2Fa%2F.default"
        ]


def test_base_url_may_have_a_path() -> None:
    """As behind a proxy, or on Astronomer."""
    with airflow_server() as airflow:
        paths: list[str] = []

        def unwrap(exchange: Exchange) -> bool:
            paths.append(exchange.path)
            if exchange.path.endswith("/version"):
                exchange.answer(200, {"version": "3.3.2"})
            elif exchange.path.endswith("/dagRuns"):
                exchange.answer(201, {"dag_run_id": exchange.body["dag_run_id"]})
            else:
                exchange.answer(201, {"access_token": "t"})
            return True

        airflow.faults.append(unwrap)
        environ = {**ENVIRON, "AIRFLOW_BASE_URL": f"{airflow.base_url}/team/airflow/"}
        client_of(environ, EventLog()).trigger(run_request(dag_id="d"))

    assert paths == [
        "/team/airflow/api/v2/version",
        "/team/airflow/auth/token",
        "/team/airflow/api/v2/dags/d/dagRuns",
    ]


@pytest.mark.parametrize("auth", ["basic", "bearer", "token"])
def test_missing_credentials_are_named_by_their_settings(auth: str) -> None:
    """Not a log-in with empty texts."""
    environ = {key: value for key, value in ENVIRON.items() if not key.endswith(("PASSWORD", "TOKEN"))}
    with airflow_server() as airflow:
        environ |= {"AIRFLOW_BASE_URL": airflow.base_url, "AIRFLOW_AUTH": auth}
        client = client_of(environ, EventLog())
        with pytest.raises(Misconfigured, match=r"AIRFLOW_(PASSWORD|TOKEN).*set AIRFLOW_AUTH=none"):
            client.trigger(run_request(dag_id="copy_file"))


def test_credentials_of_the_environment_are_never_cached() -> None:
    """Reading again is reading."""
    environ = {"AIRFLOW_TOKEN": "one"}
    source = EnvironmentCredentials(environ)
    first = source.get()
    environ["AIRFLOW_TOKEN"] = "two"

    assert (first.require("token"), source.refresh().require("token")) == (("one",), ("two",))


def test_secrets_do_not_show() -> None:
    """Neither in the credentials nor in what is made of them."""
    credentials = EnvironmentCredentials(ENVIRON).get()
    made = AuthHeader(name="Authorization", value="Bearer tok", credentials=credentials)

    for shown in (repr(credentials), repr(made), repr(Token(text="tok", lifetime_seconds=1))):
        assert "tok" not in shown.replace("Token", "")
        assert "pä:ss" not in shown


def test_certificate_of_the_app_is_used(tmp_path: Any) -> None:
    """One file, or two with the key apart."""
    pem = tmp_path / "app.pem"
    pem.touch()
    files = {"AIRFLOW_CLIENT_CERTIFICATE": str(pem)}
    one = client_of({**ENVIRON, "AIRFLOW_BASE_URL": "https://airflow", **files}, EventLog())
    two = client_of(
        {**ENVIRON, "AIRFLOW_BASE_URL": "https://a", **files, "AIRFLOW_CLIENT_KEY": str(pem)}, EventLog()
    )

    assert one._http.session.cert == str(pem)
    assert two._http.session.cert == (str(pem), str(pem))
