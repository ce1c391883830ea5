"""The predeploy hook: a bad deployment fails before it takes events."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.hooks.check_settings import NEVER_IN_AZURE, faults
from shared.airflow.credentials import EnvironmentCredentials
from tests.infra.app_facts import USABLE, Asked
from tests.infra.bicep import ROOT
from tests.infra.fake_az import FakeAz, failed, run_hook, succeeded
from tests.infra.parity import LOCAL_ONLY


@pytest.fixture
def az(tmp_path: Path) -> FakeAz:
    """Return an az whose app has usable settings."""
    fake = FakeAz(folder=tmp_path)
    fake.app_settings(USABLE)
    fake.script["role assignment list"] = [succeeded("[]")]
    return fake


def test_usable_settings_pass(az: FakeAz) -> None:
    """Nothing is printed, nothing is in the way."""
    done = run_hook(az, "check_settings")

    assert (done.returncode, done.stderr) == (0, "")


def test_missing_setting_stops_the_deployment(az: FakeAz) -> None:
    """The app's own message names the setting, the hook the next command."""
    az.app_settings({name: value for name, value in USABLE.items() if name != "AIRFLOW_BASE_URL"})

    done = run_hook(az, "check_settings")

    assert done.returncode == 1
    assert "AIRFLOW_BASE_URL is not set" in done.stderr
    assert "azd provision" in done.stderr


def test_routes_that_cannot_be_used_stop_the_deployment(az: FakeAz) -> None:
    """With the line and what to do, before a single event waits for it."""
    az.app_settings(
        {**USABLE, "AIRFLOW_ROUTES": '[[route]]\nname = "r"\nmatch = "landing/{a}{b}"\ndag_id = "d"'}
    )

    done = run_hook(az, "check_settings")

    assert done.returncode == 1
    assert "AIRFLOW_ROUTES is unusable" in done.stderr
    assert "line 3, route 'r'" in done.stderr


def test_settings_that_cannot_be_read_stop_the_deployment(az: FakeAz) -> None:
    """Not knowing is not good enough."""
    az.script["functionapp config appsettings list"] = [failed("ERROR: (ResourceNotFound) no such site", 3)]

    done = run_hook(az, "check_settings")

    assert done.returncode == 1
    assert "ResourceNotFound" in done.stderr


@pytest.mark.parametrize("name", sorted(NEVER_IN_AZURE))
def test_secret_in_the_app_settings_is_refused(name: str) -> None:
    """The message has the name, not the value."""
    (fault,) = (
        text
        for text in faults(USABLE | {name: "UseDevelopmentStorage=true"}, ("landing",))
        if "must not be set" in text
    )

    assert fault.startswith(name)
    assert "UseDevelopmentStorage" not in fault


def test_what_is_refused_is_what_infra_never_sets() -> None:
    """One list for the hook, one for the templates, the same names."""
    assert set(NEVER_IN_AZURE) == set(LOCAL_ONLY)


def test_every_credential_that_the_environment_may_give_is_refused() -> None:
    """What the local stack logs in with is never an app setting in Azure."""
    asked = Asked({})
    EnvironmentCredentials(asked).get()

    assert asked.names
    assert asked.names <= set(NEVER_IN_AZURE)


def test_hooks_run_before_anything_is_installed() -> None:
    """They run with any Python: nothing but the standard library may be imported."""
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            "from infra.hooks import check_settings, package, roles, subscribe",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr


TWO = '[landing]\nwatch = ["landing", "lake"]\n[[route]]\nname = "all"\nmatch = "**"\ndag_id = "load"\n'


def test_containers_that_the_routes_watch_have_event_subscriptions() -> None:
    """And no others have: their events would be dead letters."""
    settings = {**USABLE, "AIRFLOW_ROUTES": TWO}

    assert faults(settings, ("lake", "landing")) == []
    assert faults(USABLE, ("landing",)) == []
    (missing,) = faults(settings, ("landing",))
    assert "`azd env set LANDING_CONTAINERS landing,lake`" in missing
    (left_over,) = faults(USABLE, ("landing", "lake"))
    assert "The routes watch landing, and there are event subscriptions for landing,lake" in left_over


def test_routes_in_a_blob_are_not_compared() -> None:
    """The hook does not read them; `blob-to-dag routes check` does."""
    assert faults({**USABLE, "ROUTES_BLOB": "airflow-routes/routes.toml"}, ("landing", "lake")) == []
