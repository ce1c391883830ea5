"""What is deployed is the app, and nothing else, with the packages that the tests ran with."""

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.hooks.package import PLATFORM
from local.package import files

ROOT = Path(__file__).parents[1]
LOCKS = sorted(
    [
        ROOT / "requirements.txt",
        *ROOT.glob("*.lock"),
        *ROOT.glob("infra/*.lock"),
        *ROOT.glob("local/*/*.lock"),
    ]
)
_PIN = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==([^ ;\\]+)", re.MULTILINE)

# By import name: the distribution that brings it.
BRINGS = {
    "azure.core": "azure-storage-blob",
    "azure.data.tables": "azure-data-tables",
    "azure.functions": "azure-functions",
    "azure.identity": "azure-identity",
    "azure.keyvault": "azure-keyvault-secrets",
    "azure.storage.blob": "azure-storage-blob",
    "azure.storage.queue": "azure-storage-queue",
    "azurefunctions.extensions": "azurefunctions-extensions-bindings-blob",
    "msgspec": "msgspec",
    "requests": "requests",
    "tenacity": "tenacity",
    "urllib3": "requests",
}


def _pins(path: Path) -> dict[str, str]:
    return {name.lower(): version for name, version in _PIN.findall(path.read_text(encoding="utf-8"))}


def _deployed() -> Iterator[str]:
    return (path.as_posix() for path in files(ROOT) if path.parts[0] != ".python_packages")


def test_only_the_app_is_deployed() -> None:
    """No tests, no templates, no local settings, no documents."""
    outside = {path for path in _deployed() if not re.fullmatch(r"shared/.+\.py", path)}

    assert outside - {"routes.toml"} == {"function_app.py", "host.json", "requirements.txt"}


def test_every_import_of_the_app_is_installed_by_its_requirements() -> None:
    """A package that only the tests bring fails in Azure at the first event."""
    required = {
        re.split(r"[<>=]", line)[0]
        for line in (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }
    imported = set()
    for path in _deployed():
        if path.endswith(".py"):
            for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    imported.add(node.module)
    foreign = {
        name for name in imported if name.partition(".")[0] not in {*sys.stdlib_module_names, "shared"}
    }

    unknown = {name for name in foreign if not any(name.startswith(known) for known in BRINGS)}
    needed = {package for known, package in BRINGS.items() if any(name.startswith(known) for name in foreign)}
    assert unknown == set()
    # The runtime is not imported by the app: it imports the app. Without it Azure chooses a version.
    assert required == needed | {"azure-functions-runtime"}


def test_azure_gets_the_versions_that_the_tests_run_with() -> None:
    """The same pins in both lock files, and installed here."""
    deployed, tested = _pins(ROOT / "requirements.txt"), _pins(ROOT / "requirements-dev.lock")

    assert len(deployed) > 20
    assert deployed.items() <= tested.items()
    assert {name: importlib.metadata.version(name) for name in deployed} == deployed


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_locked_package_has_hashes(path: Path) -> None:
    """A registry cannot hand out another file under the same version."""
    entries = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip())

    assert len(_pins(path)) > 1
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_makefile_locks_for_the_platform_that_is_packaged() -> None:
    """requirements.txt is resolved for the same Python and platform as the wheels are downloaded for."""
    [line] = [
        line
        for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
        if "requirements.txt" in line and "--python-platform" in line
    ]

    platform, _, machine = PLATFORM.partition("_")
    assert f"--python-platform {machine}-{platform}" in line
    assert "--python-version 3.13" in line
