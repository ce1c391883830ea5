"""Settings, connection and routes are checked together: nobody fixes one fault only to meet the next."""

from pathlib import Path

import pytest

from shared.config.load import load_configuration
from shared.model.errors import Misconfigured
from tests.config.test_settings import GOOD

BAD_ROUTES = '[[route]]\nname = "r"\nmatch = "landing/{a}{b}"\ndag_id = "d"\n'


def test_usable_settings_give_settings_and_routes(tmp_path: Path) -> None:
    """What the parts of the app are built from."""
    settings, routes = load_configuration(GOOD, root=tmp_path)

    assert settings.airflow_dag_id == "copy_file"
    assert routes is not None
    assert [route.name for route in routes.routes] == ["default"]


def test_one_fault_of_each_kind_is_in_one_message(tmp_path: Path) -> None:
    """A setting, the connection and the routes."""
    environ = {**GOOD, "AIRFLOW_AUTH": "entra", "AIRFLOW_CA_BUNDLE": "/nope", "AIRFLOW_ROUTES": BAD_ROUTES}

    with pytest.raises(Misconfigured) as caught:
        load_configuration(environ, root=tmp_path)

    for said in ("AIRFLOW_ENTRA_SCOPE", "AIRFLOW_CA_BUNDLE", "line 3, route 'r'"):
        assert said in str(caught.value)


def test_faults_of_routes_are_named_beside_those_of_settings(tmp_path: Path) -> None:
    """Even where the settings alone are unusable."""
    with pytest.raises(Misconfigured) as caught:
        load_configuration({**GOOD, "CONF_MAX_BYTES": "much", "AIRFLOW_ROUTES": BAD_ROUTES}, root=tmp_path)

    assert "CONF_MAX_BYTES" in str(caught.value)
    assert "line 3, route 'r'" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"AIRFLOW_AUTH": "oauth"}, "AIRFLOW_OAUTH_TOKEN_URL"),
        ({"AIRFLOW_AUTH": "oauth", "AIRFLOW_OAUTH_TOKEN_URL": "http://idp.example.com/token"}, "plain http"),
        ({"KEY_VAULT_URI": "http://vault.example.com"}, "KEY_VAULT_URI must begin with https://"),
        ({"AIRFLOW_AUTH": "token", "AIRFLOW_API": "v1"}, "AIRFLOW_AUTH=token"),
        ({"AIRFLOW_CLIENT_KEY": "key.pem"}, "AIRFLOW_CLIENT_CERTIFICATE"),
        ({"AIRFLOW_AUTH_HEADER": "no header"}, "AIRFLOW_AUTH_HEADER"),
    ],
)
def test_settings_that_contradict_each_other_are_named(
    tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    """Each is fine alone."""
    with pytest.raises(Misconfigured, match=said):
        load_configuration({**GOOD, **changes}, root=tmp_path)


@pytest.mark.parametrize("url", ["http://localhost/token", "http://127.0.0.1:9/token", "https://idp/token"])
def test_token_address_on_this_machine_may_be_plain_http(tmp_path: Path, url: str) -> None:
    """That is how an identity provider runs locally."""
    load_configuration({**GOOD, "AIRFLOW_AUTH": "oauth", "AIRFLOW_OAUTH_TOKEN_URL": url}, root=tmp_path)


def test_routes_that_are_nested_too_deeply_are_named(tmp_path: Path) -> None:
    """Not a malformed connection string."""
    with pytest.raises(Misconfigured, match="nested too deeply"):
        load_configuration({**GOOD, "AIRFLOW_ROUTES": f"x = {'[' * 5_000}"}, root=tmp_path)


def test_files_are_looked_for_where_the_app_runs(tmp_path: Path) -> None:
    """A check before a deployment cannot see them."""
    environ = {**GOOD, "AIRFLOW_CA_BUNDLE": "/home/site/wwwroot/ca.pem"}

    assert load_configuration(environ, root=tmp_path, reads=lambda _path: True)
    with pytest.raises(Misconfigured, match="AIRFLOW_CA_BUNDLE"):
        load_configuration(environ, root=tmp_path)


@pytest.mark.parametrize("other", [{"AIRFLOW_ROUTES": "route = []"}, {"ROUTES_FILE": "r.toml"}])
def test_routes_come_from_one_place(tmp_path: Path, other: dict[str, str]) -> None:
    """With a blob there is no table yet; another place beside it is a fault."""
    environ = {**GOOD, "ROUTES_BLOB": "airflow-routes/routes.toml"}

    assert load_configuration(environ, root=tmp_path)[1] is None
    with pytest.raises(Misconfigured, match=f"ROUTES_BLOB and {next(iter(other))} are both set"):
        load_configuration(environ | other, root=tmp_path)


@pytest.mark.parametrize("path", ["routes.toml", "airflow-routes/", "Routes/x", "/x"])
def test_blob_of_routes_is_a_container_and_a_name(tmp_path: Path, path: str) -> None:
    """Anything else would be found out with the first event."""
    with pytest.raises(Misconfigured, match="must be a blob of the host account, as container/name"):
        load_configuration({**GOOD, "ROUTES_BLOB": path}, root=tmp_path)


def test_trigger_is_bound_to_a_container_that_the_routes_watch(tmp_path: Path) -> None:
    """Else all that it is called for would be dead letters."""
    toml = '[landing]\nwatch = ["lake"]\n[[route]]\nname = "a"\nmatch = "**"\ndag_id = "a"\n'

    with pytest.raises(Misconfigured, match="LANDING_PATH is of landing, which the routes do not watch"):
        load_configuration({**GOOD, "AIRFLOW_ROUTES": toml}, root=tmp_path)
    assert load_configuration({**GOOD, "AIRFLOW_ROUTES": toml, "LANDING_PATH": "lake/{name}"}, root=tmp_path)
