"""The templates, parsed with a real grammar into plain values that tests can ask."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tree_sitter
import tree_sitter_bicep

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))


@dataclass(frozen=True, slots=True)
class Expression:
    """Anything that is no literal, as it is written."""

    text: str


type Value = str | int | bool | Expression | list["Value"] | dict[str, "Value"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A resource or a module.

    Attributes:
        kind: `Type@version` of a resource, path of a module.
        existing: Whether it is only read.
        body: Its properties; of a loop, those of one round.
    """

    kind: str
    existing: bool
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One .bicep file. Declarations by name; a parameter's value is its default, Expression("") for none."""

    text: str
    params: dict[str, Value] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    types: dict[str, dict[str, str]] = field(default_factory=dict)
    decorators: dict[str, list[str]] = field(default_factory=dict)
    resources: dict[str, Block] = field(default_factory=dict)
    modules: dict[str, Block] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)

    def blocks(self, kind: str) -> list[Block]:
        """Return the resources of a type that this file makes, without the version."""
        made = (block for block in self.resources.values() if not block.existing)
        return [block for block in made if block.kind.partition("@")[0].lower() == kind.lower()]


type Sources = Mapping[str, Source]


def load(texts: Mapping[str, str] | None = None) -> Sources:
    """Parse every .bicep file below infra/; `texts` replaces files by their path below infra/."""
    replaced = texts or {}
    found = {path.relative_to(INFRA).as_posix(): path.read_text() for path in sorted(INFRA.rglob("*.bicep"))}
    return {name: parse(replaced.get(name, text)) for name, text in found.items()}


def inputs(entry: str = "main") -> dict[str, str | None]:
    """Return the azd variables that a parameters file reads, with their defaults; None for "must be set"."""
    text = (INFRA / f"{entry}.bicepparam").read_text()
    found = re.findall(r"readEnvironmentVariable\('(\w+)'(?:, '([^']*)')?(\))", text)
    return {name: default if f"'{name}', '" in text else None for name, default, _ in found}


def parse(text: str) -> Source:
    """Parse one file; raises SyntaxError where the grammar does not hold."""
    root = _PARSER.parse(text.encode()).root_node
    if root.has_error:
        msg = f"no Bicep: {text[:80]!r}"
        raise SyntaxError(msg)
    source = Source(text=text)
    pending: list[str] = []
    for node in root.named_children:
        if node.type == "decorators":
            pending = [_text(child.named_children[0]) for child in node.named_children]
            continue
        _declare(source, node, pending)
        pending = []
    return source


def _declare(source: Source, node: tree_sitter.Node, decorators: list[str]) -> None:
    children = [child for child in node.named_children if child.type != "comment"]
    if not children or node.type in {"comment", "import_functionality", "target_scope_assignment"}:
        return
    name, rest = _text(children[0]), children[1:]
    source.decorators[name] = decorators
    match node.type:
        case "parameter_declaration":
            source.params[name] = _value(rest[-1]) if len(rest) > 1 else Expression("")
        case "variable_declaration":
            source.variables[name] = _value(rest[-1])
        case "type_declaration":
            # Only types of objects have members; the others are ranges and choices.
            items = (item for item in rest[-1].named_children if item.type == "object_property")
            pairs = (item.named_children for item in items)
            source.types[name] = {_text(pair[0]): _text(pair[-1]) for pair in pairs}
        case "output_declaration":
            source.outputs[name] = _value(rest[-1])
        case "resource_declaration":
            source.resources[name] = _block(node, rest)
        case "module_declaration":
            source.modules[name] = _block(node, rest)


def _block(node: tree_sitter.Node, rest: list[tree_sitter.Node]) -> Block:
    body = next(item for item in _walk(rest[-1]) if item.type == "object")
    existing = any(child.type == "existing" or child.text == b"existing" for child in node.children)
    kind, values = _value(rest[0]), _value(body)
    assert isinstance(kind, str)
    assert isinstance(values, dict)
    return Block(kind=kind, existing=existing, body=values)


def _value(node: tree_sitter.Node) -> Value:
    read = _LITERALS.get(node.type)
    return read(node) if read else Expression(_text(node))


def _object(node: tree_sitter.Node) -> Value:
    items = (item.named_children for item in node.named_children if item.type == "object_property")
    return {_key(pair[0]): _value(pair[-1]) for pair in items}


def _array(node: tree_sitter.Node) -> Value:
    return [_value(item) for item in node.named_children if item.type != "comment"]


_LITERALS: dict[str, Callable[[tree_sitter.Node], Value]] = {
    "string": lambda node: "".join(_text(part) for part in node.named_children),
    "number": lambda node: int(_text(node)),
    "boolean": lambda node: _text(node) == "true",
    "null": lambda _: None,
    "array": _array,
    "object": _object,
}


def _key(node: tree_sitter.Node) -> str:
    value = _value(node)
    return value if isinstance(value, str) else _text(node)


def _text(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode()


def _walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.named_children:
        yield from _walk(child)
