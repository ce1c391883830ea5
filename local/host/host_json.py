"""host.json: how queues are listened to, with the real host's defaults and setting overrides."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_OVERRIDE = "azurefunctionsjobhost__"
# One receive call takes at most 32 messages: REST reference of Get Messages.
_MAX_BATCH = 32


class HostJsonError(ValueError):
    """host.json is missing or has a value that is not allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """How a queue listener takes messages.

    Attributes:
        batch_size: messages of one receive call.
        new_batch_threshold: the next batch is received when no more than this many still run.
        max_dequeue_count: attempts before a message goes to the poison queue.
        retry_visibility_seconds: delay between two attempts.
        max_poll_seconds: longest pause between two polls; None for the host's default.
        is_base64: whether message bodies are Base64.
    """

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    retry_visibility_seconds: float = 0
    max_poll_seconds: float | None = None
    is_base64: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HostJson:
    """What the stand-in reads of host.json."""

    blobs: QueueSettings
    queues: QueueSettings
    function_timeout_seconds: float | None

    @classmethod
    def load(cls, app: Path, settings: Mapping[str, str]) -> Self:
        """Read `host.json` of the app and apply `AzureFunctionsJobHost__...` settings.

        Raises:
            HostJsonError: the file is missing, is not JSON, or has a value that is out of range.
        """
        path = app / "host.json"
        try:
            document = json.loads(path.read_text(encoding="utf-8-sig"))
            for name, value in settings.items():
                if name.lower().startswith(_OVERRIDE):
                    _set(document, name[len(_OVERRIDE) :].split("__"), value)
            return cls._parse(document)
        except FileNotFoundError as exc:
            msg = f"Unable to find project root. Expecting to find host.json in {app}."
            raise HostJsonError(msg) from exc
        except (ValueError, TypeError, AttributeError, KeyError) as exc:
            msg = f"Unable to parse host configuration file '{path}': {exc}"
            raise HostJsonError(msg) from exc

    @classmethod
    def _parse(cls, document: dict[str, Any]) -> Self:
        extensions = document.get("extensions") or {}
        queues, blobs = extensions.get("queues") or {}, extensions.get("blobs") or {}
        cores = os.cpu_count() or 1
        # NET-B Listeners/SharedBlobQueueListenerFactory.cs, BlobsOptionsToQueuesOptions: the shared blob
        # queue takes two values from `blobs`; nothing of `queues` applies to it.
        parallel = _integer(blobs.get("maxDegreeOfParallelism", 8 * cores))
        batch = 1 if parallel == 1 else min(_MAX_BATCH, parallel // 2 + 1)
        # NET-C Queues/QueuesOptions.cs.
        queue_batch = _integer(queues.get("batchSize", 16), most=_MAX_BATCH)
        timeout = document.get("functionTimeout")
        return cls(
            blobs=QueueSettings(
                batch_size=batch,
                new_batch_threshold=parallel - batch,
                max_dequeue_count=_integer(blobs.get("poisonBlobThreshold", 5)),
            ),
            queues=QueueSettings(
                batch_size=queue_batch,
                new_batch_threshold=_integer(
                    queues.get("newBatchThreshold", queue_batch // 2 * cores), least=0
                ),
                max_dequeue_count=_integer(queues.get("maxDequeueCount", 5)),
                retry_visibility_seconds=seconds(queues.get("visibilityTimeout", "00:00:00")),
                max_poll_seconds=seconds(queues.get("maxPollingInterval", "00:01:00")),
                is_base64=str(queues.get("messageEncoding", "base64")).lower() == "base64",
            ),
            function_timeout_seconds=None if timeout in {None, "-1"} else seconds(timeout),
        )


def seconds(text: str) -> float:
    """Return the seconds of a .NET time span such as `00:05:00` or `1.00:00:00`.

    Raises:
        ValueError: not a time span.
    """
    days, _, clock = text.partition(".") if "." in text.partition(":")[0] else ("0", "", text)
    parts = clock.split(":")
    if len(parts) != len(("hours", "minutes", "seconds")):
        msg = f"{text!r} must be a time span (hh:mm:ss)"
        raise ValueError(msg)
    hours, minutes, rest = parts
    return int(days) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(rest)


def _integer(value: Any, *, least: int = 1, most: int | None = None) -> int:
    number = int(value)
    if number < least or (most is not None and number > most):
        msg = f"{value!r} must be at least {least}" + (f" and at most {most}" if most else "")
        raise ValueError(msg)
    return number


def _set(document: dict[str, Any], path: list[str], value: str) -> None:
    """Set a value by path; names match without regard to case, as .NET configuration does."""
    for name in path[:-1]:
        document = document.setdefault(_same(document, name), {})
    document[_same(document, path[-1])] = value


def _same(document: dict[str, Any], name: str) -> str:
    return next((key for key in document if key.lower() == name.lower()), name)
