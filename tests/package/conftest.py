"""A copy of the project, and the package that is built from it."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from infra.hooks.package import SITE_PACKAGES
from local.package import ROOT, build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes a network or Azurite, so that `-m "not stack"` leaves it out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.stack)


def copy_project(target: Path) -> Path:
    """Copy what git knows, and nothing else."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the archive, built from a fresh copy, and its SHA-256."""
    folder = tmp_path_factory.mktemp("built")
    archive = folder / "app.zip"
    return archive, build(copy_project(folder / "project"), archive)


@pytest.fixture(scope="session")
def unpacked(built: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files of the package and nothing else."""
    folder = tmp_path_factory.mktemp("wwwroot")
    with zipfile.ZipFile(built[0]) as archive:
        archive.extractall(folder)
    assert (folder / SITE_PACKAGES).is_dir()
    return folder
