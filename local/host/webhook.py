"""The webhook that Event Grid posts blob events to: `/runtime/webhooks/blobs`.

Source: NET-EG TriggerBinding/HttpRequestProcessor.cs, NET-B Config/BlobsExtensionConfigProvider.cs.
"""

import ipaddress
import json
from typing import Any
from urllib.parse import unquote, urlsplit

from local.host.blob_message import BlobMessage
from local.host.blob_queue import BlobQueue
from local.host.host_log import Log, brief
from local.host.http_message import Request, Response

PATH = "/runtime/webhooks/blobs"
# Azure.Storage.Common Constants.Sas.PathStylePorts: on these the account is in the path, not in the host.
_PATH_STYLE_PORTS = frozenset(base + offset for base in (10000, 10100, 11000, 11100) for offset in range(5))


class Webhook:
    """Queues every event of a body for the function that the address names; checks neither."""

    def __init__(self, *, queue: BlobQueue, log: Log) -> None:
        self._queue = queue
        self._log = log

    def answer(self, request: Request) -> Response:
        """Answer one request, which has shown its key already."""
        if request.method == "OPTIONS":
            # CloudEvents' handshake against abuse.
            origin = request.headers.get("webhook-request-origin", "*")
            return Response(
                status=200, headers=(("Webhook-Allowed-Origin", origin), ("Webhook-Allowed-Rate", "*"))
            )
        function_id = request.query.get("functionName", "")
        kind = request.headers.get("aeg-event-type", "")
        try:
            match kind:
                case "SubscriptionValidation":
                    return _validation(json.loads(request.body))
                case "Notification":
                    return self._notification(function_id, json.loads(request.body))
                case "Unsubscribe":
                    return Response(status=202)
        except Exception as exc:  # noqa: BLE001 (whatever fails in here, the sender sees 500 and tries again)
            self._log(f"Event Grid request for '{function_id}' failed: {brief(exc)}", level="Error")
            return Response(status=500)
        return Response(status=400)

    def _notification(self, function_id: str, body: Any) -> Response:
        for event in body if isinstance(body, list) else [body]:
            self._queue.send(_message(function_id, event["data"]))
        return Response(status=202)


def _validation(body: Any) -> Response:
    event = body[0] if isinstance(body, list) else body
    answer = {"validationResponse": event["data"]["validationCode"]}
    return Response(
        status=200, body=json.dumps(answer).encode(), headers=(("Content-Type", "application/json"),)
    )


def _message(function_id: str, data: Any) -> BlobMessage:
    """Build the message; an event without url or blobType is a KeyError, as it is a null in the real host."""
    container, blob = parse_blob_url(data["url"])
    return BlobMessage(
        function_id=function_id,
        blob_type=data["blobType"],
        container=container,
        blob=blob,
        etag=f'"{data.get("eTag", "")}"',
    )


def parse_blob_url(url: str) -> tuple[str, str]:
    """Return container and decoded blob name of a blob's address, whatever its host is.

    Source: Azure.Storage.Blobs BlobUriBuilder: with an IP address or one of the emulator's ports, the
    first part of the path is the account.
    """
    parts = urlsplit(url)
    path = parts.path.lstrip("/")
    if _is_path_style(parts.hostname or "", parts.port):
        path = path.partition("/")[2]
    container, _, blob = path.partition("/")
    return unquote(container), unquote(blob)


def _is_path_style(host: str, port: int | None) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return port in _PATH_STYLE_PORTS
    return True
