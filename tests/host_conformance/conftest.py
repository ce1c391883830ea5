"""One sample app in one host for all facts that can share it; HOST says in which."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.azurite import Azurite, start_azurite
from local.host import RunningHost
from local.host.options import HostKind
from tests.host_conformance.stage import Stage

NEEDS_AZURITE = {"azurite", "host_account"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs Azurite, so that `-m "not stack"` leaves it out."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if Path(__file__).parent in item.path.parents and NEEDS_AZURITE & set(names):
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def kind() -> HostKind:
    """Return which host is asked for: HOST=standin (default) or HOST=func."""
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
    """Yield a second account, so that it shows in which of the two something lies."""
    with start_azurite() as account:
        yield account


@pytest.fixture(scope="session")
def stage(
    azurite: Azurite, host_account: Azurite, kind: HostKind, tmp_path_factory: pytest.TempPathFactory
) -> Stage:
    """Return the stage of the shared host."""
    record_path = tmp_path_factory.mktemp("host") / "records.jsonl"
    stage = Stage(data=azurite, host_account=host_account, record_path=record_path, kind=kind)
    stage.create_containers()
    return stage


@pytest.fixture(scope="session")
def host(stage: Stage) -> Iterator[RunningHost]:
    """Yield the shared host; no test may stop it or kill its workers."""
    with stage.host() as host:
        yield host


@pytest.fixture
def own_stage(azurite: Azurite, host_account: Azurite, kind: HostKind, tmp_path: Path) -> Stage:
    """Return a stage for a test that starts hosts of its own."""
    record_path = tmp_path / "records.jsonl"
    stage = Stage(data=azurite, host_account=host_account, record_path=record_path, kind=kind)
    stage.create_containers()
    return stage
