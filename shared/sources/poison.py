"""The blob trigger's poison messages: what the host gave up on after five attempts."""

import json
from collections.abc import Collection

from shared.delivery.parked import Parked
from shared.errors import BadEvent

QUEUE = "webjobs-blobtrigger-poison"
"""In the landing account, shared by every function app that has a blob trigger on it."""


def function_of(body: bytes) -> str | None:
    """Name the function that a message was for; None where it is no message of a blob trigger.

    The shape is `BlobTriggerMessage` of the WebJobs storage extension: `Type`, `FunctionId`
    (`Host.Functions.<name>`), `BlobType`, `ContainerName`, `BlobName`, `ETag`.
    """
    try:
        message = json.loads(body)
        function_id = message["FunctionId"]
    except (KeyError, TypeError, ValueError):
        return None
    return function_id.rpartition(".")[2] if isinstance(function_id, str) else None


def parked_from_poison(body: bytes, functions: Collection[str]) -> Parked | None:
    """Give the blob that a message of ours is about, to be looked at again; None for a foreign message.

    Its ETag is passed over: the blob trigger reads the current version whenever it runs.

    Raises:
        BadEvent: The message is ours, but names no blob.
    """
    if function_of(body) not in functions:
        return None
    message = json.loads(body)
    container, name = message.get("ContainerName"), message.get("BlobName")
    if not isinstance(container, str) or not isinstance(name, str) or not container or not name:
        msg = "The poison message names no container and blob."
        raise BadEvent(msg)
    return Parked(container=container, name=name)
