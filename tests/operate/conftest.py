"""What the tests of the command line share: an app on a storage account of its own, and a terminal."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.processes import free_port
from operate.cli import app
from operate.desk import Desk
from operate.origin import Origin


@dataclass(frozen=True)
class Shown:
    """What a command showed, and its exit status."""

    status: int
    out: str
    err: str


type Run = Callable[..., Shown]


@pytest.fixture
def settings(storage_account: str) -> dict[str, str]:
    """Return the app settings of an app in Azurite, whose Airflow is down."""
    return {
        "AzureWebJobsStorage": storage_account,
        "LandingStorage": storage_account,
        "AIRFLOW_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "AIRFLOW_DAG_ID": "copy_file",
        "AIRFLOW_USERNAME": "admin",
        "AIRFLOW_PASSWORD": "no-such-secret",
    }


@pytest.fixture
def desk(settings: Mapping[str, str], tmp_path: Path) -> Desk:
    """Return the desk of that app, with no file of routes."""
    return Desk(origin=Origin(title="the test's app", settings=settings), root=tmp_path)


@pytest.fixture
def run(settings: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs a command with the settings as the environment of its process."""
    return lambda *arguments: run_with(settings, monkeypatch, *arguments)


def run_with(settings: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Shown:
    """Run a command with these settings, where the environment of the process has no others."""
    for name, value in settings.items():
        if name not in os.environ:
            monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Shown(status=result.exit_code, out=result.stdout, err=result.stderr)
