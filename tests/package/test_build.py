"""The package is built from the locked wheels, always the same, and holds nothing that was not meant."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.hooks.azure_cli import HookError
from infra.hooks.package import SITE_PACKAGES, install
from local.package import build, files

PLANTED = (
    ".env",
    ".vscode/settings.json",
    "client.pem",
    "credentials.json",
    "dump.sql",
    "local.settings.json",
    "shared/.env",
    "shared/airflow/client.pem",
    "shared/airflow/notes.md",
    "shared/__pycache__/app.cpython-313.pyc",
    ".python_packages/requirements.sha256",
)


def _require_tenacity_only(project: Path) -> None:
    requirements = project / "requirements.txt"
    lines = requirements.read_text(encoding="utf-8")
    start = lines.index("tenacity==")
    requirements.write_text(lines[start : lines.index("typing-extensions==")], encoding="utf-8")


def test_planted_files_stay_at_home(project: Path) -> None:
    """Secrets and data of a developer, wherever they lie."""
    (project / SITE_PACKAGES).mkdir(parents=True)
    (project / SITE_PACKAGES / "module.py").touch()
    before = set(files(project))
    for name in PLANTED:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("secret", encoding="utf-8")

    assert set(files(project)) == before
    assert Path(SITE_PACKAGES, "module.py") in before


def test_routes_of_the_project_are_deployed(project: Path) -> None:
    """A routes.toml that somebody wrote belongs to the app."""
    (project / "routes.toml").touch()

    assert Path("routes.toml") in set(files(project))


def test_two_builds_are_the_same(built: tuple[Path, str], project: Path, tmp_path: Path) -> None:
    """Byte by byte, with the packages downloaded again."""
    assert build(project, tmp_path / "second.zip") == built[1]


def test_packages_are_those_of_linux(unpacked: Path) -> None:
    """Compiled for CPython 3.13 or its stable interface on x86-64, whatever machine builds."""
    compiled = [path.name for path in (unpacked / SITE_PACKAGES).rglob("*.so")]

    assert len(compiled) > 3
    assert [
        name for name in compiled if not name.endswith((".abi3.so", ".cpython-313-x86_64-linux-gnu.so"))
    ] == []
    assert (unpacked / SITE_PACKAGES / "azure_functions_runtime").is_dir()


def test_wheel_with_another_hash_is_refused(project: Path) -> None:
    """And nothing is left that looks like an installation."""
    requirements = project / "requirements.txt"
    [first, *_] = requirements.read_text(encoding="utf-8").split("\n    --hash")
    requirements.write_text(f"{first}\n    --hash=sha256:{'0' * 64}\n", encoding="utf-8")

    with pytest.raises(HookError, match="DO NOT MATCH THE HASHES"):
        install(project)

    assert not (project / ".python_packages").exists()


def test_packages_that_are_there_are_not_downloaded_again(project: Path) -> None:
    """Until requirements.txt changes."""
    _require_tenacity_only(project)

    assert install(project) is True
    assert install(project) is False
    assert (project / SITE_PACKAGES / "tenacity").is_dir()


def test_hook_installs_as_azd_calls_it(project: Path) -> None:
    """With the first fitting Python on the PATH."""
    _require_tenacity_only(project)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))

    done = subprocess.run(
        ["sh", str(project / "infra" / "hooks" / "hook.sh"), "package"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    assert (project / SITE_PACKAGES / "tenacity").is_dir()


def test_azd_restore_can_install_the_folder(project: Path) -> None:
    """It runs `pip install .` where there is a pyproject.toml; setuptools must find no others."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--target", str(project / "installed"), str(project)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    installed = {path.name for path in (project / "installed").iterdir()}
    assert installed == {"blob_to_dag-0.1.0.dist-info", "bin", "operate", "shared"}
