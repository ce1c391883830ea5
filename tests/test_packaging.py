"""What is deployed is the app, and nothing else; what the app imports is what Azure installs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parents[1]

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


def _deployed() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    ignored = GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text(encoding="utf-8").splitlines())
    return {path for path in listed.stdout.splitlines() if not ignored.match_file(path)}


def test_only_the_app_is_deployed() -> None:
    """No tests, no templates, no local settings, no documents."""
    outside = {path for path in _deployed() if not re.fullmatch(r"shared/.+\.py", path)}

    assert outside - {"routes.toml"} == {"function_app.py", "host.json", "requirements.txt"}


def test_every_import_of_the_app_is_installed_by_its_requirements() -> None:
    """A package that only the tests bring fails in Azure at the first event."""
    required = {
        re.split(r"[<>=]", line)[0]
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
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
    assert needed <= required
    assert required <= needed
