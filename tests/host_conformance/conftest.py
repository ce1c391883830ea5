"""One sample app in one host for all facts that can share it; HOST selects which host."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.azurite import Azurite, start_azurite
from local.host import RunningHost
from local.host.options import HostKind
from tests.host_conformance.harness import SAMPLE_APP, HostHarness

NEEDS_AZURITE = {"azurite", "host_account"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs Azurite, so that `-m "not stack"` leaves it out."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if Path(__file__).parent in item.path.parents and NEEDS_AZURITE & set(names):
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def kind() -> HostKind:
    """Return which host is selected: HOST=standin (default) or HOST=func."""
    if os.environ.get("HOST", "standin") == "standin":
        return "standin"
    if shutil.which("func") is None:
        pytest.skip("HOST=func needs Core Tools: npm install -g azure-functions-core-tools@4")
    return "func"


@pytest.fixture
def standin_only(kind: HostKind) -> None:
    """Skip a fact that cannot be shown with Core Tools; the test's docstring says why."""
    if kind == "func":
        pytest.skip("shown with the stand-in only: unset HOST")


@pytest.fixture(scope="session")
def host_account(azurite: Azurite) -> Iterator[Azurite]:
    """Yield a second account, so that tests can see in which of the two something is."""
    with start_azurite() as account:
        yield account


@pytest.fixture(scope="session")
def harness(
    azurite: Azurite, host_account: Azurite, kind: HostKind, tmp_path_factory: pytest.TempPathFactory
) -> HostHarness:
    """Return the harness of the shared host."""
    record_path = tmp_path_factory.mktemp("host") / "records.jsonl"
    harness = HostHarness(data=azurite, host_account=host_account, record_path=record_path, kind=kind)
    harness.create_containers()
    return harness


@pytest.fixture(scope="session")
def host(harness: HostHarness) -> Iterator[RunningHost]:
    """Yield the shared host; no test may stop it or kill its workers."""
    with harness.host() as host:
        yield host


@pytest.fixture(scope="session")
def unusual_harness(
    azurite: Azurite, host_account: Azurite, kind: HostKind, tmp_path_factory: pytest.TempPathFactory
) -> HostHarness:
    """Return the harness of `unusual_host`."""
    record_path = tmp_path_factory.mktemp("unusual") / "records.jsonl"
    harness = HostHarness(data=azurite, host_account=host_account, record_path=record_path, kind=kind)
    harness.create_containers()
    return harness


@pytest.fixture(scope="session")
def unusual_host(
    unusual_harness: HostHarness, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHost]:
    """Yield a second shared host.

    `announced` is disabled, so a scanning function is first; `ticked` lacks its setting; failed queue
    messages are retried after ten minutes; and there is a local.settings.json.
    """
    app = tmp_path_factory.mktemp("app") / "app"
    shutil.copytree(SAMPLE_APP, app)
    values = {"LOCAL_SETTING": "from the file", "QUEUE": "never-used"}
    (app / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    settings = {
        "AzureWebJobs.announced.Disabled": "true",
        "SCHEDULE": "",
        "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:10:00",
    }
    with unusual_harness.host(settings, app=app) as host:
        yield host


@pytest.fixture
def own_harness(azurite: Azurite, host_account: Azurite, kind: HostKind, tmp_path: Path) -> HostHarness:
    """Return a harness for a test that starts hosts of its own."""
    record_path = tmp_path / "records.jsonl"
    harness = HostHarness(data=azurite, host_account=host_account, record_path=record_path, kind=kind)
    harness.create_containers()
    return harness
