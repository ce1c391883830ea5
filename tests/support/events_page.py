"""The catalogue of events: as docs/events.md has it, and as the code logs it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEVELS = ("info", "warning", "error")
PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
_EVENT = re.compile(r"[a-z]+\.[a-z_]+")


@dataclass
class Event:
    """One event, as the page or as the code has it."""

    levels: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


def catalogue(page: str) -> dict[str, Event]:
    """Return the events of the page's tables."""
    events = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and _EVENT.fullmatch(cells[0].strip("`")):
            levels = {level.strip().lower() for level in cells[1].split(",")}
            events[cells[0].strip("`")] = Event(levels, set(re.findall(r"`(\w+)`", cells[2])))
    return events


def key_table(page: str) -> list[str]:
    """Return the keys that the page explains, in their order."""
    return re.findall(r"^\| `(\w+)` \|", page.partition("## Keys")[2], flags=re.MULTILINE)


def logged(source: str) -> dict[str, Event]:
    """Return the events of a module: every call of a method of a log, or of a name that stands for one.

    The event is what the first argument can be: a text, or the two texts of a condition.
    """
    events: dict[str, Event] = defaultdict(Event)
    for call, levels in _calls(ast.parse(source)):
        nodes = ast.walk(call.args[0])
        names = [
            node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert names, f"line {call.lineno}: the name of an event must be written out"
        assert all(keyword.arg for keyword in call.keywords), f"line {call.lineno}: so must its keys"
        for name in names:
            events[name].levels |= levels
            events[name].keys |= {str(keyword.arg) for keyword in call.keywords}
    return events


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, set[str]]]:
    aliases: dict[str, set[str]] = defaultdict(set)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            aliases[node.targets[0].id] |= _levels(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            alias = aliases[node.func.id] if isinstance(node.func, ast.Name) else set()
            if levels := alias or _levels(node.func):
                yield node, levels


def _levels(node: ast.AST) -> set[str]:
    """Return the levels of the log's methods that an expression names, without calling them."""
    if isinstance(node, ast.IfExp):
        return _levels(node.body) | _levels(node.orelse)
    if isinstance(node, ast.Attribute) and node.attr in LEVELS:
        owner = node.value
        name = (
            owner.attr
            if isinstance(owner, ast.Attribute)
            else owner.id
            if isinstance(owner, ast.Name)
            else ""
        )
        return {node.attr} if name in {"log", "_log"} else set()
    return set()


def code() -> dict[str, Event]:
    """Return the events of the app."""
    events: dict[str, Event] = defaultdict(Event)
    for path in [ROOT / "function_app.py", *sorted((ROOT / "shared").rglob("*.py"))]:
        for name, event in logged(path.read_text(encoding="utf-8")).items():
            events[name].levels |= event.levels
            events[name].keys |= event.keys
    return dict(events)
