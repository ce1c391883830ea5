"""The functions of the indexed app: the worker's metadata, with settings resolved."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from local.host.settings import resolve
from local.host.storage import HOST_CONNECTION

BLOB_TRIGGER = "blobTrigger"
QUEUE_TRIGGER = "queueTrigger"
TIMER_TRIGGER = "timerTrigger"
_TRIGGERS = (BLOB_TRIGGER, QUEUE_TRIGGER, TIMER_TRIGGER)
# Which properties of a trigger the host resolves from settings ([AutoResolve] and connections).
_RESOLVED = ("path", "queueName", "schedule", "connection", "source")
_PATH_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[^{}]+|[{}]")


class FunctionError(ValueError):
    """This host cannot run the function; the others run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function that the host can run.

    Attributes:
        name: as in the code.
        function_id: the worker's id, sent with each invocation.
        kind: type of its trigger, such as `blobTrigger`.
        trigger: raw binding of the trigger, settings resolved.
    """

    name: str
    function_id: str
    kind: str
    trigger: Mapping[str, Any]

    @property
    def host_id(self) -> str:
        """The id that listeners write into messages, receipts and locks."""
        return f"Host.Functions.{self.name}"

    @property
    def argument(self) -> str:
        """Name of the argument that the trigger fills."""
        return str(self.trigger["name"])

    @property
    def connection(self) -> str:
        """Name of the storage connection."""
        return str(self.trigger.get("connection") or HOST_CONNECTION)

    @property
    def source(self) -> str:
        """How blobs are found: `EventGrid` or `LogsAndContainerScan`."""
        is_event_grid = str(self.trigger.get("source", "")).lower() == "eventgrid"
        return "EventGrid" if is_event_grid else "LogsAndContainerScan"

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], settings: Mapping[str, str]) -> Self:
        """Build from a `{name, function_id, raw_bindings}` of the worker's metadata.

        Raises:
            FunctionError: a binding that this host does not support.
            SettingError: a `%NAME%` without a setting.
        """
        bindings = [json.loads(raw) for raw in metadata["raw_bindings"]]
        kinds = [str(item["type"]) for item in bindings]
        if len(kinds) != 1 or kinds[0] not in _TRIGGERS:
            msg = f"The stand-in supports one trigger of {', '.join(_TRIGGERS)}, not {', '.join(kinds)}."
            raise FunctionError(msg)
        trigger = bindings[0]
        is_deferred = bool((trigger.get("properties") or {}).get("SupportsDeferredBinding"))
        if kinds[0] == BLOB_TRIGGER and not is_deferred:
            msg = "The stand-in supports blob functions that take a BlobClient only."
            raise FunctionError(msg)
        for key in _RESOLVED:
            if isinstance(trigger.get(key), str):
                trigger[key] = resolve(trigger[key], settings)
        return cls(name=metadata["name"], function_id=metadata["function_id"], kind=kinds[0], trigger=trigger)


def of_kind(functions: Sequence[Function], kind: str) -> list[Function]:
    """Return the functions with this trigger type."""
    return [function for function in functions if function.kind == kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobPath:
    """The path of a blob trigger: `container` or `container/pattern`; a `pattern` of None matches any blob.

    Source: NET-B BlobPathSource.cs, SDK BindingTemplateToken.cs: `{x}` matches anything, `/` too; literals
    are matched with case; the container without. A name with a line feed inside matches no `{x}`
    (SDK BindingTemplateSource.cs: RegexOptions.Compiled only).
    """

    container: str
    pattern: re.Pattern[str] | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the `path` of a trigger.

        Raises:
            FunctionError: the path is not valid.
        """
        container, _, blobs = text.partition("/")
        if not container or set(container) & set("{}\\"):
            msg = f"Invalid blob trigger path '{text}'. Paths must be in the format 'container/blob'."
            raise FunctionError(msg)
        if not blobs:
            return cls(container=container, pattern=None)
        parts: list[str] = []
        for token in _PATH_TOKEN.finditer(blobs):
            if token[1]:
                parts.append(".*")
            elif token[0] in {"{", "}"}:
                msg = f"Invalid template '{blobs}'. Unbalanced braces."
                raise FunctionError(msg)
            else:
                parts.append(re.escape(token[0][:1] if token[0] in {"{{", "}}"} else token[0]))
        # The real host's `.` stops at a line feed, and its `$` matches before a last one, as Python's do.
        return cls(container=container, pattern=re.compile(f"^{''.join(parts)}$"))

    def matches(self, blob: str) -> bool:
        """Return whether the name of a blob in the container fits the pattern."""
        return self.pattern is None or self.pattern.match(blob) is not None
