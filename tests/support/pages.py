"""Reads the pages of docs/: their tables, and the names of functions and tests that they name."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tables(text: str, *header: str) -> list[list[str]]:
    """Return the cells of each row of the tables that have this header."""
    rows: list[list[str]] = []
    is_inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")] if line[:1] == "|" else []
        if cells == list(header):
            is_inside = True
        elif not cells:
            is_inside = False
        elif is_inside and not line.startswith("|--"):
            rows.append(cells)
    return rows


def names(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


@cache
def definitions(path: Path) -> set[str]:
    """Return the dotted names of the classes and functions of a file."""
    found: set[str] = set()

    def add(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(prefix + child.name)
                add(child, f"{prefix}{child.name}.")

    add(ast.parse(path.read_text(encoding="utf-8")), "")
    return found


def is_there(name: str) -> bool:
    """Tell whether there is a file, or what a name such as `shared/app.py::App.dispatch` names."""
    path, _, definition = name.partition("::")
    if not (ROOT / path).is_file():
        return False
    return not definition or definition in definitions(ROOT / path)
