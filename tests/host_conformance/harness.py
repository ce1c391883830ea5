"""The sample app in a host, with a data account and a host account of its own, and what it recorded."""

import contextlib
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient, TextBase64DecodePolicy, TextBase64EncodePolicy

from local.azurite import Azurite
from local.host import FAST, HostOptions, RunningHost, start_host
from local.host.options import HostKind

SAMPLE_APP = Path(__file__).parent / "app"
RARELY = "0 0 0 * * *"
FUNCTIONS = ("announced", "queued", "scanned", "scanned_csv", "stored", "ticked")
POISON_QUEUE = "webjobs-blobtrigger-poison"
_POLL_SECONDS = 0.05


def _name(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostHarness:
    """Names of its own for one sample app, and ways to look at what the app and the host did.

    Attributes:
        data: the account that the triggers listen to.
        host_account: the account of AzureWebJobsStorage.
        record_path: where the app records its invocations.
        kind: `standin` or `func`.
    """

    data: Azurite
    host_account: Azurite
    record_path: Path
    kind: HostKind
    host_id: str = field(default_factory=lambda: _name("id"))
    scan_container: str = field(default_factory=lambda: _name("scan"))
    event_container: str = field(default_factory=lambda: _name("event"))
    queue: str = field(default_factory=lambda: _name("queue"))

    @property
    def patience(self) -> float:
        """Seconds to wait for something that must come."""
        return 120 if self.kind == "func" else 20

    @property
    def ready_timeout_seconds(self) -> float:
        """Seconds for a host to start; the first start of Core Tools downloads the extension bundle."""
        return 240 if self.kind == "func" else 60

    @property
    def control_queue(self) -> str:
        """Name of the app's control queue."""
        return f"azure-webjobs-blobtrigger-{self.host_id}"

    @property
    def blobs(self) -> BlobServiceClient:
        """Blobs of the data account."""
        return BlobServiceClient.from_connection_string(self.data.connection_string)

    def create_containers(self) -> None:
        """Make the containers that the app listens to, and its queue."""
        with self.blobs as blobs:
            for name in (self.scan_container, self.event_container):
                blobs.create_container(name)
        with QueueServiceClient.from_connection_string(self.data.connection_string) as queues:
            queues.create_queue(self.queue)

    @property
    def settings(self) -> dict[str, str]:
        """The app settings of a host on this harness."""
        return {
            "AzureWebJobsStorage": self.host_account.connection_string,
            "LandingStorage": self.data.connection_string,
            "AzureFunctionsWebHost__hostid": self.host_id,
            "RECORD_FILE": str(self.record_path),
            "SCAN_CONTAINER": self.scan_container,
            "EVENT_CONTAINER": self.event_container,
            "QUEUE": self.queue,
            "SCHEDULE": RARELY,
        }

    @contextmanager
    def host(
        self, environment: Mapping[str, str] | None = None, *, app: Path = SAMPLE_APP, **options: Any
    ) -> Iterator[RunningHost]:
        """Run an app in a host on this harness."""
        wanted = HostOptions(
            **{
                "app": app,
                "environment": {**self.settings, **(environment or {})},
                "host": self.kind,
                "times": FAST,
                "log_path": self.record_path.with_name(f"{_name('host')}.log"),
                "ready_timeout_seconds": self.ready_timeout_seconds,
                **options,
            }
        )
        with start_host(wanted) as host:
            yield host

    def upload(self, container: str, name: str, content: bytes = b"x") -> str:
        """Write a blob; return its ETag in quotes."""
        with self.blobs as blobs:
            answer = blobs.get_blob_client(container, name).upload_blob(content, overwrite=True)
            return str(answer["etag"])

    def records(self, function: str, **facts: Any) -> list[dict[str, Any]]:
        """Return what the app recorded for a function, in order; `facts` must match."""
        if not self.record_path.exists():
            return []
        found = [json.loads(line) for line in self.record_path.read_text(encoding="utf-8").splitlines()]
        return [
            item
            for item in found
            if item["function"] == function and all(item[key] == value for key, value in facts.items())
        ]

    def wait_for_records(self, function: str, count: int = 1, **facts: Any) -> list[dict[str, Any]]:
        """Wait until there are so many records, and return them."""
        deadline = time.monotonic() + self.patience
        while len(found := self.records(function, **facts)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records of {function} {facts}"
            time.sleep(_POLL_SECONDS)
        return found

    def wait_for_message(self, queue: str, containing: str, **options: Any) -> str:
        """Wait for a visible message that holds a text, and return its body."""
        deadline = time.monotonic() + self.patience
        while not (found := [body for body in self.messages(queue, **options) if containing in body]):
            assert time.monotonic() < deadline, f"no message with {containing!r} in {queue}"
            time.sleep(_POLL_SECONDS)
        return found[0]

    def messages(self, queue: str, *, account: Azurite | None = None, is_base64: bool = True) -> list[str]:
        """Return the bodies of the visible messages of a queue, without taking them."""
        with self._queue_client(queue, account or self.data, is_base64=is_base64) as client:
            try:
                return [str(message.content) for message in client.peek_messages(max_messages=32)]
            except ResourceNotFoundError:
                return []

    def send(self, queue: str, body: str, *, account: Azurite | None = None, is_base64: bool = True) -> None:
        """Put a message into a queue; create a missing queue."""
        with self._queue_client(queue, account or self.data, is_base64=is_base64) as client:
            with contextlib.suppress(ResourceExistsError):
                client.create_queue()
            client.send_message(body)

    def wait_for_empty(self, queue: str, *, account: Azurite | None = None) -> None:
        """Wait until a queue holds no message, hidden ones too."""
        deadline = time.monotonic() + self.patience
        while count := self.count(queue, account=account):
            assert time.monotonic() < deadline, f"{queue} still holds {count} messages"
            time.sleep(_POLL_SECONDS)

    def count(self, queue: str, *, account: Azurite | None = None) -> int:
        """Return how many messages a queue holds, hidden ones too; 0 without the queue."""
        with self._queue_client(queue, account or self.data) as client:
            try:
                return int(client.get_queue_properties().approximate_message_count)
            except ResourceNotFoundError:
                return 0

    def post_events(self, host: RunningHost, events: Any, **changes: Any) -> requests.Response:
        """Post a body to the Event Grid webhook as a notification for the function `announced`."""
        parameters = {"functionName": "Host.Functions.announced", "code": host.system_key}
        return requests.request(
            changes.get("method", "POST"),
            f"{host.url}/runtime/webhooks/blobs",
            params={**parameters, **changes.get("parameters", {})},
            headers=changes.get("headers", {"aeg-event-type": "Notification"}),
            json=events,
            timeout=30,
        )

    def created(self, blob: str, **data: Any) -> dict[str, Any]:
        """Return a BlobCreated event in the Event Grid schema; the host of its address does not matter."""
        return {
            "id": str(uuid.uuid4()),
            "eventType": "Microsoft.Storage.BlobCreated",
            "subject": f"/blobServices/default/containers/{self.event_container}/blobs/{blob}",
            "eventTime": "2026-11-21T08:00:00Z",
            "dataVersion": "",
            "metadataVersion": "1",
            "topic": "/subscriptions/x/resourceGroups/x/providers/Microsoft.Storage/storageAccounts/x",
            "data": {
                "api": "PutBlob",
                "contentType": "text/csv",
                "contentLength": 1,
                "eTag": "0x8D96060BDA19D9D",
                "blobType": "BlockBlob",
                "url": f"https://x.blob.core.windows.net/{self.event_container}/{quote(blob)}",
                **data,
            },
        }

    def control_message(self, blob: str, **changes: str) -> str:
        """Return a control message for the function `announced`."""
        message = {
            "Type": "BlobTrigger",
            "FunctionId": "Host.Functions.announced",
            "BlobType": "BlockBlob",
            "ContainerName": self.event_container,
            "BlobName": blob,
            "ETag": '"0x1"',
            **changes,
        }
        return json.dumps(message)

    def _queue_client(self, queue: str, account: Azurite, *, is_base64: bool = True) -> Any:
        service = QueueServiceClient.from_connection_string(account.connection_string)
        policies = {
            "message_encode_policy": TextBase64EncodePolicy(),
            "message_decode_policy": TextBase64DecodePolicy(),
        }
        return service.get_queue_client(queue, **(policies if is_base64 else {}))


def only(*functions: str) -> dict[str, str]:
    """Return the settings that disable all functions of the sample app but these."""
    return {f"AzureWebJobs.{name}.Disabled": "true" for name in FUNCTIONS if name not in functions}
