"""Runs the function that a message of the control queue names, for the blob that it names.

Source: NET-B Listeners/BlobQueueTriggerExecutor.cs.
"""

import json

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobProperties
from azure.storage.queue import QueueClient

from local.host import queues
from local.host.blob_message import POISON_QUEUE, BlobMessage
from local.host.blob_path import BlobPath
from local.host.functions import Function
from local.host.invoker import Invocation
from local.host.parts import HostParts
from local.host.queue_message import ReceivedMessage
from local.host.storage import HOST_CONNECTION
from local.host.typed_data import Value, binary, json_text, string


class BlobRunner:
    """Turns messages of the control queue into invocations."""

    def __init__(self, *, functions: list[Function], parts: HostParts) -> None:
        self._invoker = parts.invoker
        self._accounts = parts.accounts
        self._log = parts.log
        self._paths = {function.name: BlobPath.parse(str(function.trigger["path"])) for function in functions}
        # NET-B BlobListenerFactory.cs registers both ids; looked up with case.
        self._functions = {
            name: function
            for function in functions
            for name in (function.host_id, f"Functions.{function.name}")
        }

    def run(self, received: ReceivedMessage) -> bool:
        """Run what a message asks for; True also when there is nothing to run."""
        try:
            message = BlobMessage.from_json(
                queues.decode(str(received.raw.content), is_base64=True).decode("utf-8")
            )
        except ValueError as exc:
            self._log(f"A message of the blob queue cannot be read: {exc}", level="Error")
            return False
        details = (
            f"MessageId: {received.raw.id}, DequeueCount: {received.dequeue_count}, "
            f"InsertionTime: {received.raw.inserted_on:%Y-%m-%dT%H:%M:%S.%f}+00:00"
        )
        return self.run_blob(message, details=details)

    def run_blob(self, message: BlobMessage, *, details: str) -> bool:
        """Run the function for a blob; True also when there is nothing to run."""
        function = self._functions.get(message.function_id)
        where = f"{message.container}/{message.blob}"
        if function is None:
            self._log(
                f"Function '{message.function_id}' was not found, its message for blob '{where}' is dropped."
            )
            return True
        client = self._accounts.blobs(function.connection).get_blob_client(message.container, message.blob)
        try:
            properties = client.get_blob_properties()
        except ResourceNotFoundError:
            self._log(f"Blob '{where}' was not found, its message for '{function.name}' is dropped.")
            return True
        if not function.is_event_grid and _bare(properties.etag) != _bare(message.etag):
            # The newer version has a message of its own. Event Grid's source does not compare.
            self._log(f"Blob '{where}' has changed, the message of its older version is dropped.")
            return True
        source = "EventGrid" if function.is_event_grid else "LogsAndContainerScan"
        answer = self._invoker.invoke(
            Invocation(
                function=function,
                value=self._value(function, client),
                reason=f"New blob detected({source}): {where}",
                metadata=self._metadata(function, client, properties),
                details=f"{details}, BlobLastModified: {properties.last_modified:%Y-%m-%dT%H:%M:%S}+00:00",
            )
        )
        return answer.error is None

    def poison_queue_of(self, received: ReceivedMessage) -> QueueClient:
        """Return the poison queue of the account that the blob is in."""
        connection = HOST_CONNECTION
        try:
            body = queues.decode(str(received.raw.content), is_base64=True).decode("utf-8")
            function = self._functions.get(BlobMessage.from_json(body).function_id)
            connection = function.connection if function else HOST_CONNECTION
        except ValueError:
            self._log("A message that cannot be read goes to the host's own poison queue.", level="Warning")
        return self._accounts.queues(connection).get_queue_client(POISON_QUEUE)

    def _value(self, function: Function, client: BlobClient) -> Value:
        if not function.is_deferred:
            return binary(client.download_blob().readall())
        content = {
            "Connection": function.connection,
            "ContainerName": client.container_name,
            "BlobName": client.blob_name,
        }
        return {
            "model_binding_data": {
                "version": "1.0",
                "source": "AzureStorageBlobs",
                "content_type": "application/json",
                "content": json.dumps(content, ensure_ascii=False),
            }
        }

    def _metadata(
        self, function: Function, client: BlobClient, properties: BlobProperties
    ) -> dict[str, Value]:
        container, blob = client.container_name, client.blob_name
        parameters = self._paths[function.name].match(container, blob) or {}
        facts = {
            "ContentLength": properties.size,
            "ContentType": properties.content_settings.content_type,
            "ETag": properties.etag,
            "LastModified": properties.last_modified.isoformat(),
            "BlobType": str(properties.blob_type),
        }
        return {
            **{name: string(value) for name, value in parameters.items()},
            "BlobTrigger": string(f"{container}/{blob}"),
            "Uri": json_text(json.dumps(client.url)),
            "Properties": json_text(json.dumps(facts)),
            "Metadata": json_text(json.dumps(dict(properties.metadata or {}))),
        }


def _bare(etag: str | None) -> str:
    return (etag or "").strip('"')
