"""What the host answers: the webhook of Event Grid, and administration.

Source: NET-EG TriggerBinding/HttpRequestProcessor.cs, NET-B Config/BlobsExtensionConfigProvider.cs;
HOST Controllers/HostController.cs, FunctionsController.cs; DOC functions-manually-run-non-http.md.
"""

import hmac
import ipaddress
import json
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from local.host.blob_queue import BlobMessage
from local.host.host_log import Log, brief
from local.host.http_server import NOT_FOUND, UNAUTHORIZED, Request, Response
from local.host.invoker import Invoker
from local.host.listeners import Listeners

_WEBHOOK = "/runtime/webhooks/blobs"
_ADMIN = "/admin/"
_FUNCTIONS = "/admin/functions/"
# Azure.Storage.Common Constants.Sas.PathStylePorts: on these the account is in the path, not in the host.
_PATH_STYLE_PORTS = frozenset(base + offset for base in (10000, 10100, 11000, 11100) for offset in range(5))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HostKeys:
    """The keys that the host asks for.

    Attributes:
        master: opens everything.
        system: opens the webhook.
    """

    master: str
    system: str

    def allow(self, request: Request, *, system: bool) -> bool:
        """Return whether a request has the master key or, with `system`, the system key."""
        given = request.key.encode()
        keys = (self.master, self.system) if system else (self.master,)
        return any(hmac.compare_digest(given, key.encode()) for key in keys)


class Endpoints:
    """Answers requests while the host runs."""

    def __init__(self, *, listeners: Listeners, invoker: Invoker, keys: HostKeys, log: Log) -> None:
        self._listeners = listeners
        self._invoker = invoker
        self._keys = keys
        self._log = log
        self._is_draining = False

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        if request.path.startswith(_ADMIN):
            return self._administer(request) if self._keys.allow(request, system=False) else UNAUTHORIZED
        if request.path.rstrip("/").lower() == _WEBHOOK:
            return self._take_events(request) if self._keys.allow(request, system=True) else UNAUTHORIZED
        return NOT_FOUND

    def _administer(self, request: Request) -> Response:
        match request.method, request.path:
            case "POST", "/admin/host/drain":
                self._is_draining = True
                self._listeners.stop(drain=True)
                return Response(status=202)
            case "GET", "/admin/host/drain/status":
                return self._drain_status()
            case "POST", path if path.startswith(_FUNCTIONS):
                return self._fire(path.removeprefix(_FUNCTIONS))
        return NOT_FOUND

    def _drain_status(self) -> Response:
        running = self._invoker.running_count
        state = "Disabled"
        if self._is_draining:
            state = "InProgress" if running else "Completed"
        return json_response({"state": state, "outstandingInvocations": running, "outstandingRetries": 0})

    def _fire(self, name: str) -> Response:
        timer = self._listeners.timers.get(name.lower())
        if timer is None:
            return NOT_FOUND
        reason = "This function was programmatically called via the host APIs."
        threading.Thread(target=timer.fire, args=(reason,), name=f"admin-{name}", daemon=True).start()
        return Response(status=202)

    def _take_events(self, request: Request) -> Response:
        """Queue every event of the body for the function that the address names; check neither."""
        if request.method == "OPTIONS":
            # CloudEvents' handshake against abuse.
            origin = request.headers.get("webhook-request-origin", "*")
            return Response(
                status=200, headers=(("Webhook-Allowed-Origin", origin), ("Webhook-Allowed-Rate", "*"))
            )
        function_id = request.query.get("functionName", "")
        try:
            match request.headers.get("aeg-event-type", ""):
                case "SubscriptionValidation":
                    return _validation(json.loads(request.body))
                case "Notification":
                    return self._notification(function_id, json.loads(request.body))
                case "Unsubscribe":
                    return Response(status=202)
        except Exception as exc:  # noqa: BLE001 (whatever fails, the sender gets a 500 and retries)
            self._log(f"Event Grid request for '{function_id}' failed: {brief(exc)}", level="Error")
            return Response(status=500)
        return Response(status=400)

    def _notification(self, function_id: str, body: Any) -> Response:
        queue = self._listeners.blob_queue
        if queue is None:
            return NOT_FOUND
        for event in body if isinstance(body, list) else [body]:
            queue.send(_message(function_id, event["data"]))
        return Response(status=202)


def json_response(document: object) -> Response:
    """Return a 200 with a JSON body."""
    return Response(
        status=200, body=json.dumps(document).encode(), headers=(("Content-Type", "application/json"),)
    )


def _validation(body: Any) -> Response:
    event = body[0] if isinstance(body, list) else body
    return json_response({"validationResponse": event["data"]["validationCode"]})


def _message(function_id: str, data: Any) -> BlobMessage:
    """Build the message; an event without url or blobType is a KeyError, as it is a null in the real host."""
    container, blob = _parse_blob_url(data["url"])
    return BlobMessage(
        function_id=function_id,
        blob_type=data["blobType"],
        container=container,
        blob=blob,
        etag=f'"{data.get("eTag", "")}"',
    )


def _parse_blob_url(url: str) -> tuple[str, str]:
    """Return container and decoded blob name of a blob's address; its host name does not matter.

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
