"""Folders are layers: a file imports from its own folder and from those below it, never upwards."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    ROOT / "function_app.py",
    *sorted((ROOT / "shared").rglob("*.py")),
    *sorted((ROOT / "operate").rglob("*.py")),
]

LAYERS = (
    "operate",
    "function_app",
    "app",
    "wiring",
    "assembly",
    "jobs",
    "ingest",
    "trigger",
    "companions",
    "settlement",
    "storage",
    "delivery",
    "airflow",
    "config",
    "routes",
    "sources",
    "model",
    "event_log timing",
)
"""From top to bottom; names on one line do not import each other."""
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names.split()}

STANDARD_LIBRARY_ALONE = {"config", "model", "routes", "timing"}
"""Hooks and other programs import these where nothing is installed."""


def module_name(path: Path) -> str:
    """Return the dotted name of a file of the app."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def layer(module: str) -> str:
    """Return the folder, or the file directly below shared/, that a module belongs to."""
    if module.startswith("operate."):
        return "operate"
    return module.split(".")[1] if module.startswith("shared.") else module


def imports(path: Path) -> dict[str, int]:
    """Return what a file imports, wherever in the file, by the line of the import."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update({alias.name: node.lineno for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno} imports relatively"
            for alias in node.names:
                # `from package import module` names a module; `from module import name` does not.
                target = f"{node.module}.{alias.name}"
                found[target if is_module(target) else str(node.module)] = node.lineno
    return found


def is_module(name: str) -> bool:
    """Tell whether the app has a module or a package of this name."""
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def upward(path: Path) -> list[str]:
    """List a file's imports that go up, or sideways to another layer of the same rank."""
    own = layer(module_name(path))
    rank = RANKS.get(own, -1)  # what has no place yet is the other test's failure
    return [
        f"{path.relative_to(ROOT)}:{line} imports {target}"
        for target, line in imports(path).items()
        if target.startswith(("shared.", "operate."))
        and layer(target) != own
        and RANKS.get(layer(target), rank + 1) <= rank
    ]


def test_every_folder_has_its_place() -> None:
    """A new folder is put between two others on purpose."""
    layers = {layer(module_name(path)) for path in FILES} - {"shared"}

    assert layers == set(RANKS)


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_no_import_goes_up(path: Path) -> None:
    """What is below can be read, tested and used without what is above."""
    assert upward(path) == []


def test_no_files_import_each_other_in_a_circle() -> None:
    """Also within a folder."""
    modules = {module_name(path) for path in FILES}
    graph = {module_name(path): modules & imports(path).keys() for path in FILES}

    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"these import each other: {error.args[1]}")
    assert set(order) == modules


@pytest.mark.parametrize(
    "path", [path for path in FILES if layer(module_name(path)) in STANDARD_LIBRARY_ALONE], ids=module_name
)
def test_settings_values_and_routes_need_nothing_installed(path: Path) -> None:
    """They import the standard library and each other."""
    allowed = {*sys.stdlib_module_names, *(f"shared.{name}" for name in STANDARD_LIBRARY_ALONE)}
    foreign = [
        target
        for target in imports(path)
        if target.partition(".")[0] not in allowed and ".".join(target.split(".")[:2]) not in allowed
    ]

    assert foreign == []
