"""Events of Event Grid, from a storage queue or from its dead letters. They carry size and ETag."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from shared.model.blob_event import BlobEvent, account_from_url, blob_path_from_url, blob_url, canonical_etag
from shared.model.errors import BadEvent
from shared.model.pending import Pending

_SUBJECT = "/blobServices/default/containers/"


def pending_from_event_grid(body: bytes) -> Iterator[Pending]:
    """Yield the events of a message or a dead letter: one or a list, in either schema.

    A created blob comes with its version, a renamed one by its new name only, because the event has no ETag.
    Events of other types, which the subscription should not send, yield nothing.

    Sources: learn.microsoft.com/azure/event-grid/event-schema-blob-storage, and CloudEvents 1.0.

    Raises:
        BadEvent: Something in the body is not an event of Event Grid, or identifies no blob version; raised
            after all that can be read was yielded.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        msg = f"The message is not JSON ({type(error).__name__})."
        raise BadEvent(msg) from error
    fault: Exception | None = None
    for event in message if isinstance(message, list) else [message]:
        try:
            pending = _read(event)
        except (BadEvent, AttributeError, KeyError, TypeError, ValueError) as error:
            fault = error
        else:
            if pending:
                yield pending
    if fault:
        msg = f"Not every event of the message can be read ({type(fault).__name__}: {fault!s:.100})."
        raise BadEvent(msg) from fault


def _read(event: Mapping[str, Any]) -> Pending | None:
    match event["eventType"] if "eventType" in event else event["type"]:
        case "Microsoft.Storage.BlobCreated":
            return _created(event)
        case "Microsoft.Storage.BlobRenamed":
            container, name = blob_path_from_url(event["data"]["destinationUrl"])
            # Half of a surrogate pair, which no blob has: a ValueError here, not when the row is written.
            f"{container}{name}".encode()
            return Pending(container=container, name=name, api=_api(event["data"]))
    return None


def _created(event: Mapping[str, Any]) -> Pending:
    data = event["data"]
    url: str = data["url"]
    container, name = _path(str(event.get("subject") or ""), url)
    blob_event = BlobEvent(
        account=account_from_url(url),
        container=container,
        name=name,
        etag=canonical_etag(data["eTag"]),
        size=_size(data["contentLength"]),
        event_time=_time(event["eventTime"] if "eventTime" in event else event["time"]),
        url=blob_url(_endpoint(url), container, name),
        content_type=data.get("contentType") or None,
        blob_type=data.get("blobType") or None,
        access_tier=data.get("accessTier") or None,
        version_id=data.get("versionId") or None,
        sequencer=data.get("sequencer") or None,
    )
    return Pending(container=container, name=name, event=blob_event, api=_api(data))


def _path(subject: str, url: str) -> tuple[str, str]:
    """Take the name from the subject, which holds it as it is; the address has it quoted."""
    container, found, name = subject.removeprefix(_SUBJECT).partition("/blobs/")
    if subject.startswith(_SUBJECT) and found and container and name:
        return container, name
    return blob_path_from_url(url)


def _endpoint(url: str) -> str:
    """Return the account's blob endpoint; the event may name the `dfs` one, for the same blob."""
    parts = urlsplit(url)
    host = parts.netloc.replace(".dfs.", ".blob.", 1)
    account = account_from_url(url)
    is_emulator = not parts.netloc.lower().startswith(account)
    return f"{parts.scheme}://{host}/{account}" if is_emulator else f"{parts.scheme}://{host}"


def _api(data: Mapping[str, Any]) -> str | None:
    api = data.get("api")
    return api if isinstance(api, str) and api else None


def _size(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        msg = f"contentLength {value!r:.50} is no size"
        raise ValueError(msg)
    return value


def _time(text: str) -> datetime:
    # Event Grid writes seven digits of a second; Python reads six.
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = f"the time {text!r:.50} has no zone"
        raise ValueError(msg)
    return moment
