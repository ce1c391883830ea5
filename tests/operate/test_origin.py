"""Which app a command works on."""

import json
from pathlib import Path

import pytest

from operate.errors import DeskError
from operate.origin import find_origin


def test_two_apps_at_once_are_refused() -> None:
    """Nobody knows which one is meant."""
    with pytest.raises(DeskError, match="--local and --app"):
        find_origin(local=True, app="x")


def test_no_app_at_all_is_refused_with_the_options() -> None:
    """The environment of the process is used only where it has settings."""
    with pytest.raises(DeskError, match="--local, --env NAME"):
        find_origin(environ={})


def test_local_stack_that_does_not_run_is_named(tmp_path: Path) -> None:
    """The sentence says how to start it."""
    with pytest.raises(DeskError, match="make run"):
        find_origin(local=True, root=tmp_path)


def test_local_stack_gives_the_settings_of_its_app(tmp_path: Path) -> None:
    """They stay out of what is printed: Airflow's password is one of them."""
    (tmp_path / ".stack").mkdir()
    state = {"connection_string": "x", "settings": {"AIRFLOW_PASSWORD": "hidden"}}
    (tmp_path / ".stack" / "run.json").write_text(json.dumps(state), encoding="utf-8")

    origin = find_origin(local=True, root=tmp_path)

    assert origin.settings == {"AIRFLOW_PASSWORD": "hidden"}
    assert origin.is_local
    assert "hidden" not in repr(origin)


def test_azd_environment_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    """A misspelt name is seen at once."""
    (tmp_path / ".azure" / "prod").mkdir(parents=True)
    (tmp_path / ".azure" / "prod" / ".env").write_text('APP_NAME="x"\n', encoding="utf-8")

    with pytest.raises(DeskError, match="There are: prod"):
        find_origin(env="prdo", root=tmp_path)


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an `az` on the PATH that answers from a file and notes how it was called."""
    program = tmp_path / "bin" / "az"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$*" >> "$0.calls"\ncat "$0.$2"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


def test_azd_environment_reads_the_settings_of_its_app(tmp_path: Path, az: Path) -> None:
    """By the name, the group and the subscription that azd has noted."""
    (tmp_path / ".azure" / "prod").mkdir(parents=True)
    (tmp_path / ".azure" / "prod" / ".env").write_text(
        'APP_NAME="func-x"\nAZURE_RESOURCE_GROUP="rg"\nAZURE_SUBSCRIPTION_ID="sub"\n', encoding="utf-8"
    )
    listed = [{"name": "AIRFLOW_BASE_URL", "value": "https://airflow.example.com", "slotSetting": False}]
    Path(f"{az}.config").write_text(json.dumps(listed), encoding="utf-8")

    origin = find_origin(env="prod", root=tmp_path)

    assert origin.settings == {"AIRFLOW_BASE_URL": "https://airflow.example.com"}
    assert origin.title == "func-x (azd environment prod)"
    [call] = Path(f"{az}.calls").read_text(encoding="utf-8").splitlines()
    assert "appsettings list --name func-x --resource-group rg --subscription sub" in call


def test_app_by_name_finds_its_resource_group(az: Path) -> None:
    """A name is enough: function apps have unique ones."""
    Path(f"{az}.list").write_text('[{"resourceGroup": "rg"}]', encoding="utf-8")
    Path(f"{az}.config").write_text("[]", encoding="utf-8")

    find_origin(app="func-x")

    assert "--name func-x --resource-group rg" in Path(f"{az}.calls").read_text(encoding="utf-8")


def test_app_that_is_not_there_names_the_subscription(az: Path) -> None:
    """It may be in another one."""
    Path(f"{az}.list").write_text("[]", encoding="utf-8")
    Path(f"{az}.show").write_text('{"name": "My subscription"}', encoding="utf-8")

    with pytest.raises(DeskError, match="'func-x' in the subscription 'My subscription'"):
        find_origin(app="func-x")


def test_az_that_fails_says_why(az: Path) -> None:
    """In its own words."""
    az.write_text("#!/bin/sh\necho \"Please run 'az login' \" >&2\nexit 1\n", encoding="utf-8")

    with pytest.raises(DeskError, match="az login"):
        find_origin(app="func-x")


def test_missing_az_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With where to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(DeskError, match="install-azure-cli"):
        find_origin(app="func-x")
