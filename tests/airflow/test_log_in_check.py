"""Whether the log-in is refused is decided by a question that has nothing to do with any event."""

from typing import Any

import pytest

from shared.airflow.client import AirflowClient
from shared.event_log import EventLog
from shared.model.errors import AirflowUnreachable, CredentialsRefused, Forbidden, RetryableError
from tests.airflow.harness import STORAGE, client_of, run_request
from tests.support.airflow_server import Exchange, airflow_server

DAGS, RUNS = "/api/{api}/dags", "/api/{api}/dags/~/dagRuns"
FORBIDDEN = (403, {"title": "Forbidden", "detail": None, "status": 403})
PAGE = (403, "<html>Forbidden</html>")


def check(answers: dict[str, tuple[int, Any]], *, api: str, auth: str = "basic") -> RetryableError | None:
    """Check the log-in at a server with these answers, by path; return its error."""

    def answer(exchange: Exchange) -> bool:
        exchange.answer(*answers.get(exchange.path, (404, {"detail": "Not Found"})))
        return True

    with airflow_server() as server:
        server.faults.append(answer)
        try:
            client_to(server.base_url, api, auth).check_log_in()
        except RetryableError as error:
            return error
    return None


def client_to(base_url: str, api: str, auth: str) -> AirflowClient:
    """Build a client with a password or a token."""
    environ = {
        "AIRFLOW_BASE_URL": base_url,
        "AIRFLOW_API": api,
        "AIRFLOW_AUTH": auth,
        "AIRFLOW_USERNAME": "app",
        "AIRFLOW_PASSWORD": "canary-password",
        "AIRFLOW_TOKEN": "canary-token",
        **STORAGE,
    }
    return client_of(environ, EventLog())


@pytest.mark.parametrize(
    ("api", "answers"),
    [
        ("v1", {DAGS: (200, {"dags": []})}),
        ("v1", {DAGS: FORBIDDEN, RUNS: (200, {"dag_runs": []})}),
        ("v2", {DAGS: (200, {"dags": []})}),
        ("v2", {DAGS: (403, {"detail": "Forbidden"})}),
        ("experimental", {"/api/experimental/test": (200, {"status": "OK"})}),
    ],
)
def test_log_in_that_works_is_told_from_a_role_that_lacks_a_permission(
    api: str, answers: dict[str, tuple[int, Any]]
) -> None:
    """A role without a list of DAGs has a good password all the same."""
    assert check({path.format(api=api): answer for path, answer in answers.items()}, api=api) is None


@pytest.mark.parametrize(
    ("api", "answers", "said"),
    [
        (
            "v1",
            {DAGS: FORBIDDEN, RUNS: FORBIDDEN},
            ["auth_backends = airflow.api.auth", "password", "can_create"],
        ),
        ("v1", {DAGS: (401, {"detail": None})}, ["auth_backends"]),
        ("experimental", {"/api/experimental/test": PAGE}, ["auth_backend = airflow.contrib", "deny_all"]),
        ("v2", {DAGS: (401, {"detail": "Token Expired"})}, ["Token Expired", "Check the credentials"]),
        ("v2", {DAGS: (403, {"detail": "Invalid JWT token"})}, ["Check the credentials"]),
        ("v2", {DAGS: PAGE}, ["Check the credentials"]),
    ],
)
def test_log_in_that_is_refused_names_its_causes(
    api: str, answers: dict[str, tuple[int, Any]], said: list[str]
) -> None:
    """The line for airflow.cfg, the password, and the permissions, where the answers are the same."""
    auth = "bearer" if api == "v2" else "basic"
    error = check({path.format(api=api): answer for path, answer in answers.items()}, api=api, auth=auth)

    assert isinstance(error, CredentialsRefused)
    for words in said:
        assert words in str(error)


def test_airflow_that_fails_has_not_refused_the_log_in() -> None:
    """Its failure says nothing about the password."""
    assert isinstance(check({"/api/v2/dags": (502, None)}, api="v2", auth="bearer"), AirflowUnreachable)


@pytest.mark.parametrize("api", ["v1", "v2", "experimental"])
def test_refusal_without_credentials_names_the_setting(api: str) -> None:
    """There is nothing to check about credentials that were never sent."""

    def refuse(exchange: Exchange) -> bool:
        exchange.answer(401, {"detail": "Not authenticated"})
        return True

    with airflow_server() as server:
        server.faults.append(refuse)
        client = client_to(server.base_url, api, "none")
        with pytest.raises(CredentialsRefused, match="AIRFLOW_AUTH=none sends no credentials"):
            client.trigger(run_request())
        with pytest.raises(CredentialsRefused, match="AIRFLOW_AUTH=none sends no credentials"):
            client.check_log_in()


def test_forbidden_run_of_airflow_2_names_the_permissions() -> None:
    """What the least role lacks."""

    def forbid(exchange: Exchange) -> bool:
        is_post = exchange.method == "POST"
        exchange.answer(*(FORBIDDEN if is_post else (200, {"dags": [], "total_entries": 0})))
        return True

    with airflow_server() as server:
        server.faults.append(forbid)
        with pytest.raises(Forbidden, match="can_create on DAG Runs, and can_edit on the DAG"):
            client_to(server.base_url, "v1", "basic").trigger(run_request())


def test_log_in_page_of_old_airflow_is_called_a_page() -> None:
    """It is Airflow's own, so it is not called foreign."""
    error = check({"/api/experimental/test": PAGE}, api="experimental")

    assert "not a response of Airflow" not in str(error)
    assert "text/html" in str(error)
