"""The answers of the endpoints that issue tokens, and the results."""

import base64
import json
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.airflow.credentials import Credentials
from shared.airflow.request import Request
from shared.airflow.response import Response
from shared.airflow.tokens import AirflowLogIn, EntraIdentity, OAuthClient, Token
from shared.model.errors import (
    AirflowNotFound,
    AirflowUnclear,
    AirflowUnreachable,
    CredentialsRefused,
)

PAIR = Credentials(
    fields={"username": "app", "password": "pw", "client_id": "c", "client_secret": "s"}, origin="x"
)


@dataclass
class Server:
    """Answers every call alike, and notes them."""

    answer: Response | Exception
    calls: list[Request]

    def send(self, call: Request) -> Response:
        """See `AirflowHttp`."""
        self.calls.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def server(status: int, body: object = None) -> Server:
    """Make one."""
    return Server(Response(status=status, json=body), [])


def jwt_of(**claims: int) -> str:
    """Make a token that can be read, not verified."""
    return f"h.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.s"


@pytest.mark.parametrize(
    ("token", "lifetime"),
    [(jwt_of(iat=1_000, exp=1_300), 300), ("opaque", 600), ("a.!.c", 600), (jwt_of(exp=1), 600)],
)
def test_token_of_airflow_is_kept_by_its_own_claims(token: str, lifetime: float) -> None:
    """`exp - iat`, so that a wrong clock does no harm; ten minutes where it cannot be read."""
    log_in = server(201, {"access_token": token})

    assert AirflowLogIn(log_in.send).fetch(PAIR) == Token(text=token, lifetime_seconds=lifetime)
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
    for grant in (AirflowLogIn(server(status, body).send), OAuthClient(server(status, body).send, scope="")):
        with pytest.raises(error) as caught:
            grant.fetch(PAIR)
        assert "pw" not in str(caught.value)


def test_log_in_that_does_not_finish_has_started_no_run() -> None:
    """Whatever became of it, the run's request was not sent."""
    with pytest.raises(AirflowUnreachable):
        AirflowLogIn(Server(AirflowUnclear("no answer"), []).send).fetch(PAIR)


def test_oauth_error_code_is_shown_and_its_description_not() -> None:
    """A description repeats what was sent."""
    refusing = server(400, {"error": "invalid_client", "error_description": "secret s is wrong"})

    with pytest.raises(CredentialsRefused, match="invalid_client") as caught:
        OAuthClient(refusing.send, scope="").fetch(PAIR)
    assert "wrong" not in str(caught.value)
    assert OAuthClient(server(200, {"access_token": "t"}).send, scope="").fetch(PAIR).lifetime_seconds == 600


class Identity:
    """A credential of `azure-identity`: its token expires at this moment, or it raises."""

    def __init__(self, outcome: Exception | int) -> None:
        self.outcome = outcome

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """See `TokenCredential`."""
        assert scopes == ("api://airflow/.default",)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return AccessToken("entra-token", self.outcome)


def test_identity_of_the_app_gives_a_token() -> None:
    """`expires_on` is a moment of the wall clock."""
    entra = EntraIdentity(lambda: Identity(1_500), scope="api://airflow/.default", now=lambda: 1_000.0)

    assert entra.fetch(PAIR) == Token(text="entra-token", lifetime_seconds=500)


def test_identity_that_gives_no_token_names_the_setting() -> None:
    """Its own words can hold what was asked."""
    entra = EntraIdentity(
        lambda: Identity(ClientAuthenticationError("token xyz")), scope="api://airflow/.default"
    )

    with pytest.raises(AirflowUnreachable, match="AIRFLOW_ENTRA_SCOPE") as caught:
        entra.fetch(PAIR)
    assert "xyz" not in str(caught.value)
