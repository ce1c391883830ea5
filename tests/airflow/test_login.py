"""Every way to log in, over a real connection; and what is kept, renewed and refused."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from shared.airflow.answer import Answer
from shared.airflow.auth import Pass
from shared.airflow.call import Call
from shared.airflow.credentials import Credentials, EnvironmentCredentials, NoCredentials, Rotation
from shared.airflow.grants import AirflowLogIn, EntraIdentity, OAuthClient
from shared.airflow.token_pass import Token, TokenPass
from shared.errors import (
    AirflowNotFound,
    AirflowUnclear,
    AirflowUnreachable,
    CredentialsRefused,
    Misconfigured,
)
from shared.event_log import EventLog
from tests.airflow.stand import STORAGE, client_of, run_request
from tests.airflow_server import Exchange, airflow_server

PAIR = Credentials(
    fields={"username": "app", "password": "pw", "client_id": "c", "client_secret": "s"}, origin="x"
)
ENVIRON = {
    "AIRFLOW_USERNAME": "app",
    "AIRFLOW_PASSWORD": "pä:ss",
    "AIRFLOW_TOKEN": "tok",
    "AIRFLOW_OAUTH_CLIENT_ID": "id",
    "AIRFLOW_OAUTH_CLIENT_SECRET": "s&=",
    "AIRFLOW_DAG_ID": "copy_file",
    **STORAGE,
}


@dataclass
class Server:
    """Answers every call alike, and notes them."""

    answer: Answer | Exception
    calls: list[Call]

    def send(self, call: Call) -> Answer:
        """See `AirflowHttp`."""
        self.calls.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def server(status: int, body: object = None) -> Server:
    """Make one."""
    return Server(Answer(status=status, json=body), [])


def jwt_of(**claims: int) -> str:
    """Make a token that can be read, not verified."""
    return f"h.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.s"


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


@pytest.mark.parametrize(
    ("token", "lifetime"),
    [(jwt_of(iat=1_000, exp=1_300), 300), ("opaque", 600), ("a.!.c", 600), (jwt_of(exp=1), 600)],
)
def test_token_of_airflow_is_kept_by_its_own_claims(token: str, lifetime: float) -> None:
    """`exp - iat`, so that a wrong clock does no harm; ten minutes where it cannot be read."""
    log_in = server(201, {"access_token": token})

    assert AirflowLogIn(log_in).fetch(PAIR) == Token(text=token, lifetime_seconds=lifetime)
    assert log_in.calls[0].body == {"username": "app", "password": "pw"}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"detail": "pw"}, CredentialsRefused),
        (403, None, CredentialsRefused),
        (200, {"access_token": ""}, AirflowNotFound),
        (201, {"access_token": 5}, AirflowNotFound),
        (422, {"detail": "pw"}, AirflowNotFound),
        (404, None, AirflowNotFound),
        (500, None, AirflowUnreachable),
        (429, None, AirflowUnreachable),
    ],
)
def test_log_in_that_gives_no_token_says_why(status: int, body: Any, error: type[Exception]) -> None:
    """Never in the server's words: a validation error repeats the password."""
    for grant in (AirflowLogIn(server(status, body)), OAuthClient(server(status, body), scope="")):
        with pytest.raises(error) as caught:
            grant.fetch(PAIR)
        assert "pw" not in str(caught.value)


def test_log_in_that_does_not_finish_has_started_no_run() -> None:
    """Whatever became of it, the run's request was not sent."""
    with pytest.raises(AirflowUnreachable):
        AirflowLogIn(Server(AirflowUnclear("no answer"), [])).fetch(PAIR)


def test_oauth_error_code_is_told_and_its_description_not() -> None:
    """A description repeats what was sent."""
    refusing = server(400, {"error": "invalid_client", "error_description": "secret s is wrong"})

    with pytest.raises(CredentialsRefused, match="invalid_client") as caught:
        OAuthClient(refusing, scope="").fetch(PAIR)
    assert "wrong" not in str(caught.value)
    assert OAuthClient(server(200, {"access_token": "t"}), scope="").fetch(PAIR).lifetime_seconds == 600


class Identity:
    """A credential of `azure-identity`, for what its endpoint would do."""

    def __init__(self, outcome: Exception | int) -> None:
        self.outcome = outcome
        self.token = "entra-token"

    @property
    def expires_on(self) -> int:
        """See the SDK's AccessToken."""
        assert isinstance(self.outcome, int)
        return self.outcome

    def get_token(self, *scopes: str) -> "Identity":
        """Give itself as the token."""
        assert scopes == ("api://airflow/.default",)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self


def test_identity_of_the_app_gives_a_token() -> None:
    """`expires_on` is a moment of the wall clock."""
    entra = EntraIdentity(lambda: Identity(1_500), scope="api://airflow/.default", now=lambda: 1_000.0)

    assert entra.fetch(NoCredentials().reread()) == Token(text="entra-token", lifetime_seconds=500)


def test_identity_that_gives_no_token_names_the_setting() -> None:
    """Its own words can hold what was asked."""
    entra = EntraIdentity(
        lambda: Identity(ClientAuthenticationError("token xyz")), scope="api://airflow/.default"
    )

    with pytest.raises(AirflowUnreachable, match="AIRFLOW_ENTRA_SCOPE") as caught:
        entra.fetch(PAIR)
    assert "xyz" not in str(caught.value)


class Grants:
    """Gives tokens t1, t2, …; or raises."""

    def __init__(self, lifetime: float = 1_000, error: Exception | None = None) -> None:
        self.count = 0
        self.lifetime = lifetime
        self.error = error

    def fetch(self, credentials: Credentials) -> Token:
        """See `Grant`."""
        self.count += 1
        if self.error:
            raise self.error
        return Token(text=f"t{self.count}", lifetime_seconds=self.lifetime)


def token_pass(grants: Grants, clock: Callable[[], float]) -> TokenPass:
    """Make one with credentials that never change."""
    rotation = Rotation(NoCredentials(), refusal_pause_seconds=30, clock=clock)
    return TokenPass(grants, rotation, refusal_pause_seconds=30, clock=clock)


@pytest.mark.parametrize(("lifetime", "kept"), [(86_400, 86_340), (1_000, 940), (100, 90)])
def test_token_is_kept_until_shortly_before_it_expires(lifetime: float, kept: float) -> None:
    """A minute before, or a tenth of a short life."""
    now = [0.0]
    grants = Grants(lifetime)
    passes = token_pass(grants, lambda: now[0])
    passes.current()
    now[0] = kept - 1
    still = passes.current().value
    now[0] = kept + 1

    assert still == "Bearer t1"
    assert passes.current().value == "Bearer t2"


def test_refused_token_is_renewed_at_most_once_in_a_while() -> None:
    """And not at all if another thread did so already."""
    now = [0.0]
    grants = Grants()
    passes = token_pass(grants, lambda: now[0])
    first = passes.current()
    second = passes.renewed(first, is_certain=True)
    same = passes.renewed(first, is_certain=True)
    still = passes.renewed(second, is_certain=True)
    now[0] = 31.0
    third = passes.renewed(second, is_certain=False)

    assert (second.value, same.value, still, third.value) == ("Bearer t2", "Bearer t2", second, "Bearer t3")


def test_thread_that_waited_for_a_failing_log_in_does_not_try_again() -> None:
    """One time-out for all, not one after the other."""
    times = iter([1.0, 9.0, 5.0])
    grants = Grants(error=AirflowUnreachable("down"))
    passes = token_pass(grants, lambda: next(times))
    with pytest.raises(AirflowUnreachable):
        passes.current()
    with pytest.raises(AirflowUnreachable):
        passes.current()

    assert grants.count == 1


@pytest.mark.parametrize("auth", ["basic", "bearer", "token"])
def test_missing_credentials_are_named_by_their_settings(auth: str) -> None:
    """Not a log-in with empty texts."""
    environ = {key: value for key, value in ENVIRON.items() if not key.endswith(("PASSWORD", "TOKEN"))}
    with airflow_server() as airflow:
        environ |= {"AIRFLOW_BASE_URL": airflow.base_url, "AIRFLOW_AUTH": auth}
        client = client_of(environ, EventLog())
        with pytest.raises(Misconfigured, match=r"AIRFLOW_(PASSWORD|TOKEN)"):
            client.trigger(run_request(dag_id="copy_file"))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"AIRFLOW_AUTH": "oauth"}, "AIRFLOW_OAUTH_TOKEN_URL"),
        ({"AIRFLOW_AUTH": "oauth", "AIRFLOW_OAUTH_TOKEN_URL": "http://idp.example.com/t"}, "plain http"),
        ({"AIRFLOW_AUTH": "token", "AIRFLOW_API": "v1"}, "Airflow 3's log-in"),
        ({"KEY_VAULT_URI": "http://vault"}, "not https"),
        ({"AIRFLOW_CLIENT_KEY": __file__}, "AIRFLOW_CLIENT_CERTIFICATE"),
        ({"IDENTITY_ENDPOINT": "http://127.0.0.1/msi"}, "KEY_VAULT_URI is not set"),
    ],
)
def test_contradicting_settings_are_named(changes: dict[str, str], word: str) -> None:
    """Before anything is sent."""
    with pytest.raises(Misconfigured, match=word):
        client_of({**ENVIRON, "AIRFLOW_BASE_URL": "https://airflow", **changes}, EventLog())


def test_credentials_of_the_environment_are_never_cached() -> None:
    """Reading again is reading."""
    environ = {"AIRFLOW_TOKEN": "one"}
    source = EnvironmentCredentials(environ)
    first = source.get()
    environ["AIRFLOW_TOKEN"] = "two"

    assert (first.need("token"), source.reread().need("token")) == (("one",), ("two",))


def test_secrets_do_not_show() -> None:
    """Neither in the credentials nor in what is made of them."""
    credentials = EnvironmentCredentials(ENVIRON).get()
    made = Pass(header="Authorization", value="Bearer tok", credentials=credentials)

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
