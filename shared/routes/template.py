"""`Template`: text of `conf` and `dag_id`: `{capture}` and `{event.<field>}` insert data and nothing else."""

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time

from shared.model.blob_event import BlobEvent

FIELDS: Mapping[str, Callable[[BlobEvent], object]] = {
    "account": lambda event: event.account,
    "container": lambda event: event.container,
    "filename": lambda event: event.name,
    "folder": lambda event: event.name.rpartition("/")[0],
    "basename": lambda event: event.name.rpartition("/")[2],
    "size": lambda event: event.size,
    "url": lambda event: event.url,
    "etag": lambda event: event.etag,
    "event_time": lambda event: event.event_time,
    "content_type": lambda event: event.content_type,
    "last_modified": lambda event: event.last_modified,
    "blob_type": lambda event: event.blob_type,
    "access_tier": lambda event: event.access_tier,
    "version_id": lambda event: event.version_id,
    "sequencer": lambda event: event.sequencer,
    "traceparent": lambda event: event.traceparent,
}
"""The values of `{event.<field>}`, beside `{event.metadata.<key>}`."""

_FROM_HEAD = frozenset({"content_type", "last_modified", "blob_type", "access_tier"})
_METADATA = "metadata."
_EVENT = "event."
_LEX = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<name>[^{}]*)\}|(?P<stray>[{}])|[^{}]+")


class Absent(Exception):  # noqa: N818  (a signal inside this module's callers, not a failure)
    """The event lacks a fact that a template asks for."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with placeholders; one pass, so that inserted data is never read as a template.

    Attributes:
        tokens: Pairs of a fixed text and the placeholder behind it, None at the end.
    """

    tokens: tuple[tuple[str, str | None], ...]

    @property
    def names(self) -> list[str]:
        """The placeholders, in their order."""
        return [name for _, name in self.tokens if name is not None]

    def render(self, captures: Mapping[str, object], event: BlobEvent) -> object:
        """Insert the values; a template of one placeholder and nothing else keeps the value's type.

        Raises:
            Absent: The event lacks a fact that the template asks for.
        """
        match self.tokens:
            case (("", str(name)), ("", None)):
                return _value(name, captures, event)
        return "".join(
            text + ("" if name is None else _text(_value(name, captures, event)))
            for text, name in self.tokens
        )

    def needs_head(self, event: BlobEvent) -> bool:
        """Tell whether a `HEAD` could give a fact that the event lacks."""
        fields = [name.removeprefix(_EVENT) for name in self.names if name.startswith(_EVENT)]
        return any(
            field.startswith(_METADATA) or (field in _FROM_HEAD and FIELDS[field](event) is None)
            for field in fields
        )


def compile_template(text: str, captures: Collection[str], *, event_fields: bool = True) -> Template:
    """Read a template.

    Raises:
        ValueError: What is wrong with it and what to write instead.
    """
    tokens: list[tuple[str, str | None]] = []
    fixed = ""
    for token in _LEX.finditer(text):
        if token["stray"]:
            msg = f"has an unmatched {token[0]}; write {{{{ or }}}} for the character"
            raise ValueError(msg)
        if token["name"] is None:
            fixed += token[0][0] if token["brace"] else token[0]
            continue
        _check_name(token["name"], captures, event_fields=event_fields)
        tokens.append((fixed, token["name"]))
        fixed = ""
    return Template((*tokens, (fixed, None)))


def compile_value(value: object, captures: Collection[str]) -> object:
    """Replace each text in a TOML value by its template.

    Raises:
        ValueError: A template is wrong, or a value is nothing that JSON can hold.
    """
    match value:
        case str():
            return compile_template(value, captures)
        case dict():
            return {key: compile_value(item, captures) for key, item in value.items()}
        case list():
            return [compile_value(item, captures) for item in value]
        case time():
            msg = "is a time without a date, which JSON cannot hold; write it as a string"
            raise ValueError(msg)
        case float() if not math.isfinite(value):
            msg = f"is {value}, which JSON cannot hold"
            raise ValueError(msg)
    return value


def render_conf(
    conf: Mapping[str, object], captures: Mapping[str, object], event: BlobEvent
) -> dict[str, object]:
    """Render a table of what `compile_value` gave; keys whose facts are absent are left out."""
    return dict(_present(conf.items(), captures, event))


def _render(value: object, captures: Mapping[str, object], event: BlobEvent) -> object:
    match value:
        case Template():
            return value.render(captures, event)
        case dict():
            return render_conf(value, captures, event)
        case list():
            return [item for _, item in _present(enumerate(value), captures, event)]
    return value


def templates(value: object) -> list[Template]:
    """List the templates in what `compile_value` gave."""
    match value:
        case Template():
            return [value]
        case dict():
            return [found for item in value.values() for found in templates(item)]
        case list():
            return [found for item in value for found in templates(item)]
    return []


def _check_name(name: str, captures: Collection[str], *, event_fields: bool) -> None:
    field = name.removeprefix(_EVENT)
    if name in captures:
        return
    if field == name:
        known = ", ".join(f"{{{capture}}}" for capture in captures) or "none"
        msg = f"has {{{name}}}, which is not a capture of match; its captures are {known}"
        raise ValueError(msg)
    if not event_fields:
        msg = f"has {{{name}}}, but only captures of match can be used here"
        raise ValueError(msg)
    if field not in FIELDS and not (field.startswith(_METADATA) and len(field) > len(_METADATA)):
        known = ", ".join(FIELDS)
        msg = f"has {{{name}}}, which is not a field of an event; the fields are {known}, metadata.<key>"
        raise ValueError(msg)


def _present[K](
    items: Iterable[tuple[K, object]], captures: Mapping[str, object], event: BlobEvent
) -> Iterator[tuple[K, object]]:
    for key, item in items:
        with suppress(Absent):
            yield key, _render(item, captures, event)


def _value(name: str, captures: Mapping[str, object], event: BlobEvent) -> object:
    if name in captures:
        return captures[name]
    field = name.removeprefix(_EVENT)
    if field.startswith(_METADATA):
        key = field.removeprefix(_METADATA).lower()
        # Metadata is sent in headers, whose names are case-insensitive.
        value: object = next((text for name, text in event.metadata.items() if name.lower() == key), None)
    else:
        value = FIELDS[field](event)
    if value is None:
        raise Absent(name)
    return value


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
