"""The sample app in a host, between a data account and a host account, with what it recorded."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient, TextBase64DecodePolicy, TextBase64EncodePolicy

from local.azurite import Azurite
from local.host import FAST, HostOptions, RunningHost, start_host
from local.host.options import HostKind

SAMPLE_APP = Path(__file__).parent / "app"
NEVER = "0 0 0 29 2 *"
POISON_QUEUE = "webjobs-blobtrigger-poison"
_POLL_SECONDS = 0.05


def _name(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
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
    stream_container: str = field(default_factory=lambda: _name("stream"))
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
            for name in (self.scan_container, self.event_container, self.stream_container):
                blobs.create_container(name)
        with QueueServiceClient.from_connection_string(self.data.connection_string) as queues:
            queues.create_queue(self.queue)

    @contextmanager
    def host(
        self, environment: Mapping[str, str] | None = None, *, app: Path = SAMPLE_APP, **options: Any
    ) -> Iterator[RunningHost]:
        """Run an app in a host on this stage."""
        settings = {
            "AzureWebJobsStorage": self.host_account.connection_string,
            "LandingStorage": self.data.connection_string,
            "AzureFunctionsWebHost__hostid": self.host_id,
            "RECORD_FILE": str(self.record_path),
            "SCAN_CONTAINER": self.scan_container,
            "EVENT_CONTAINER": self.event_container,
            "STREAM_CONTAINER": self.stream_container,
            "QUEUE": self.queue,
            "SCHEDULE": NEVER,
            **(environment or {}),
        }
        wanted = HostOptions(
            **{
                "app": app,
                "environment": settings,
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

    def wait_for_message(self, queue: str, containing: str, *, account: Azurite | None = None) -> str:
        """Wait for a message that holds a text, and return its decoded body."""
        deadline = time.monotonic() + self.patience
        while not (found := [body for body in self.messages(queue, account=account) if containing in body]):
            assert time.monotonic() < deadline, f"no message with {containing!r} in {queue}"
            time.sleep(_POLL_SECONDS)
        return found[0]

    def messages(self, queue: str, *, account: Azurite | None = None) -> list[str]:
        """Return the decoded bodies of the visible messages of a queue, without taking them."""
        with self._queue_client(queue, account or self.data) as client:
            try:
                return [str(message.content) for message in client.peek_messages(max_messages=32)]
            except ResourceNotFoundError:
                return []

    def send(self, queue: str, body: str, *, account: Azurite | None = None) -> None:
        """Put a message into a queue, in Base64."""
        with self._queue_client(queue, account or self.data) as client:
            client.send_message(body)

    def wait_for_empty(self, queue: str, *, account: Azurite | None = None) -> None:
        """Wait until a queue holds no message, hidden ones too."""
        deadline = time.monotonic() + self.patience
        with self._queue_client(queue, account or self.data) as client:
            while count := client.get_queue_properties().approximate_message_count:
                assert time.monotonic() < deadline, f"{queue} still holds {count} messages"
                time.sleep(_POLL_SECONDS)

    def post_events(self, host: RunningHost, events: Any, **changes: Any) -> requests.Response:
        """Post a body to the Event Grid webhook as a notification for the function `told`."""
        parameters = {"functionName": "Host.Functions.told", "code": host.system_key}
        return requests.request(
            changes.get("method", "POST"),
            f"{host.url}/runtime/webhooks/blobs",
            params={**parameters, **changes.get("parameters", {})},
            headers=changes.get("headers", {"aeg-event-type": "Notification"}),
            json=events,
            timeout=30,
        )

    def _queue_client(self, queue: str, account: Azurite) -> Any:
        service = QueueServiceClient.from_connection_string(account.connection_string)
        return service.get_queue_client(
            queue,
            message_encode_policy=TextBase64EncodePolicy(),
            message_decode_policy=TextBase64DecodePolicy(),
        )
