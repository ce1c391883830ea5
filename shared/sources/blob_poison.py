"""The blob trigger's poison messages: what the host gave up on after five attempts."""

import json
from collections.abc import Iterator

from shared.model.errors import BadEvent
from shared.model.pending import Pending

QUEUE = "webjobs-blobtrigger-poison"
"""In the landing account, shared by every function app that has a blob trigger on it."""


def addressee(body: bytes) -> tuple[str | None, str | None]:
    """Return the function and the container of a message; None for what it does not say.

    The shape is `BlobTriggerMessage` of the WebJobs storage extension: `Type`, `FunctionId`
    (`Host.Functions.<name>`), `BlobType`, `ContainerName`, `BlobName`, `ETag`. Any app may write there.
    """
    try:
        message = json.loads(body)
        function_id, container = message["FunctionId"], message.get("ContainerName")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None, None
    function = function_id.rpartition(".")[2] if isinstance(function_id, str) else None
    return function, container if isinstance(container, str) else None


def read_poison(body: bytes) -> Iterator[Pending]:
    """Yield the blob of a message of this app, by name.

    The ETag of the message is ignored, as the blob trigger always reads the current version.

    Raises:
        BadEvent: The message names no blob.
    """
    message = json.loads(body)
    container, name = message.get("ContainerName"), message.get("BlobName")
    if not isinstance(container, str) or not isinstance(name, str) or not container or not name:
        msg = "The poison message names no container and blob."
        raise BadEvent(msg)
    try:
        f"{container}{name}".encode()
    except UnicodeEncodeError as error:
        msg = "The poison message has half of a surrogate pair, which no blob has."
        raise BadEvent(msg) from error
    yield Pending(container=container, name=name)
