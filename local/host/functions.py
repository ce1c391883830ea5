"""The functions of the indexed app: what the worker told about them, with settings resolved."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from local.host.settings import is_true, resolve

HTTP_TRIGGER = "httpTrigger"
BLOB_TRIGGER = "blobTrigger"
QUEUE_TRIGGER = "queueTrigger"
TIMER_TRIGGER = "timerTrigger"
_TRIGGERS = (HTTP_TRIGGER, BLOB_TRIGGER, QUEUE_TRIGGER, TIMER_TRIGGER)
# Which properties of a trigger the host resolves from settings ([AutoResolve] and connections).
_RESOLVED = ("path", "queueName", "schedule", "connection", "source")
DEFAULT_CONNECTION = "AzureWebJobsStorage"


class FunctionError(ValueError):
    """The host cannot run this function; the others run."""


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
        return str(self.trigger.get("connection") or DEFAULT_CONNECTION)

    @property
    def is_event_grid(self) -> bool:
        """Whether blobs are told by Event Grid instead of found by scanning."""
        return str(self.trigger.get("source", "")).lower() == "eventgrid"

    @property
    def is_deferred(self) -> bool:
        """Whether the app takes an SDK client, so that no content is read for it."""
        return bool((self.trigger.get("properties") or {}).get("SupportsDeferredBinding"))

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], settings: Mapping[str, str]) -> Self:
        """Build from a `{name, function_id, raw_bindings}` of the worker's metadata.

        Raises:
            FunctionError: no trigger, or one that this host has no listener for.
            SettingError: a `%NAME%` without a setting.
        """
        bindings = [json.loads(raw) for raw in metadata["raw_bindings"]]
        trigger = next((item for item in bindings if str(item["type"]).endswith("Trigger")), None)
        if trigger is None or trigger["type"] not in _TRIGGERS:
            kind = trigger["type"] if trigger else "none"
            msg = f"No listener for its trigger ({kind}); this host has {', '.join(_TRIGGERS)}."
            raise FunctionError(msg)
        outputs = [item["type"] for item in bindings if item is not trigger and item["type"] != "http"]
        if outputs:
            msg = f"This host has triggers only, no other bindings ({', '.join(outputs)})."
            raise FunctionError(msg)
        for key in _RESOLVED:
            if isinstance(trigger.get(key), str):
                trigger[key] = resolve(trigger[key], settings)
        return cls(
            name=metadata["name"],
            function_id=metadata["function_id"],
            kind=trigger["type"],
            trigger=trigger,
        )


def of_kind(functions: Sequence[Function], kind: str) -> list[Function]:
    """Return the functions with this trigger type."""
    return [function for function in functions if function.kind == kind]


def is_disabled(name: str, settings: Mapping[str, str]) -> bool:
    """Tell whether `AzureWebJobs.<name>.Disabled` is set."""
    return any(
        is_true(settings.get(key))
        for key in (f"AzureWebJobs.{name}.Disabled", f"AzureWebJobs__{name}__Disabled")
    )
