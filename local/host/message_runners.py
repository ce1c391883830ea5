"""What is run for a message of the control queue, and of a queue trigger's queue."""

import json
from datetime import datetime

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.host.blob_queue import POISON_QUEUE, BlobMessage
from local.host.functions import Function
from local.host.invoker import HostServices, Invocation
from local.host.queue_message import ReceivedMessage
from local.host.storage import HOST_CONNECTION
from local.worker.protos import Value, binary, json_text, model_binding_data, string


class BlobRunner:
    """Runs the function that a message of the control queue names, for the blob that it names.

    Source: NET-B Listeners/BlobQueueTriggerExecutor.cs, SharedBlobQueueListenerFactory.cs.
    """

    def __init__(self, *, functions: list[Function], services: HostServices) -> None:
        self._services = services
        self._log = services.log
        # The executor is shared: it has the source of the function that was registered first.
        self._compares_etags = functions[0].source == "LogsAndContainerScan"
        # NET-B BlobListenerFactory.cs registers both ids; looked up with case.
        self._functions = {
            name: function
            for function in functions
            for name in (function.host_id, f"Functions.{function.name}")
        }

    def run(self, message: ReceivedMessage) -> bool:
        """Run what a message asks for; return True also when there is nothing to run.

        Raises:
            ValueError: the message is not a blob trigger message.
            AzureError: the blob's properties cannot be read.
        """
        wanted = BlobMessage.from_json(message.body or b"")
        function = self._functions.get(wanted.function_id)
        blob = f"{wanted.container}/{wanted.blob}"
        if function is None:
            self._log(f"Function '{wanted.function_id}' was not found. Message for blob '{blob}' deleted.")
            return True
        service = self._services.accounts.blobs(function.connection)
        client = service.get_blob_client(wanted.container, wanted.blob)
        try:
            properties = client.get_blob_properties()
        except ResourceNotFoundError:
            self._log(f"Blob '{blob}' was not found. Message for '{function.name}' deleted.")
            return True
        if self._compares_etags and str(properties.etag).strip('"') != wanted.etag.strip('"'):
            # The newer version has a message of its own.
            self._log(f"Blob '{blob}' has changed. Message for its older version deleted.")
            return True
        names = {
            "Connection": function.connection,
            "ContainerName": client.container_name,
            "BlobName": client.blob_name,
        }
        return self._services.invoker.invoke(
            Invocation(
                function=function,
                value=model_binding_data(json.dumps(names, ensure_ascii=False)),
                reason=f"New blob detected({function.source}): {blob}",
                details=f"{_details(message)}, BlobLastModified: {_iso(properties.last_modified)}",
            )
        )

    def reject(self, message: ReceivedMessage) -> None:
        """Delete it (NET-B QueueServiceClientProvider.cs, HandleMessageDecodingFailed)."""
        self._log(
            f"Invalid message in blob trigger queue, messageId={message.raw.id}, body={message.raw.content}",
            level="Warning",
        )
        message.delete()

    def poison_queue(self, message: ReceivedMessage) -> QueueClient:
        """Return the poison queue of the account that the blob is in.

        Raises:
            ValueError: the message is not a blob trigger message.
        """
        function = self._functions.get(BlobMessage.from_json(message.body or b"").function_id)
        connection = function.connection if function else HOST_CONNECTION
        return self._services.accounts.queues(connection).get_queue_client(POISON_QUEUE)


class QueueRunner:
    """Runs a function with a queue trigger for each message of its queue."""

    def __init__(self, *, function: Function, services: HostServices) -> None:
        self._function = function
        self._queue = str(function.trigger["queueName"])
        self._services = services
        self._poison_queue = services.accounts.queues(function.connection).get_queue_client(
            f"{self._queue}-poison"
        )

    def run(self, message: ReceivedMessage) -> bool:
        """Run the function; return False when the attempt failed."""
        raw, body = message.raw, message.body or b""
        try:
            value = string(body.decode("utf-8"))
        except UnicodeDecodeError:
            value = binary(body)
        return self._services.invoker.invoke(
            Invocation(
                function=self._function,
                value=value,
                reason=f"New queue message detected on '{self._queue}'.",
                metadata={
                    "Id": string(raw.id),
                    "PopReceipt": string(raw.pop_receipt or ""),
                    "DequeueCount": json_text(str(message.dequeue_count)),
                    "InsertionTime": _time(raw.inserted_on),
                    "ExpirationTime": _time(raw.expires_on),
                    "NextVisibleTime": _time(raw.next_visible_on),
                },
                details=_details(message),
            )
        )

    def reject(self, message: ReceivedMessage) -> None:
        """Poison it at once (the Queues extension's QueueServiceClientProvider.cs)."""
        limit = self._services.host_json.queues.max_dequeue_count
        message.poison(self._poison_queue, max_dequeue_count=limit)

    def poison_queue(self, _message: ReceivedMessage) -> QueueClient:
        """Return `<queue>-poison`."""
        return self._poison_queue


def _details(message: ReceivedMessage) -> str:
    raw = message.raw
    return f"MessageId: {raw.id}, DequeueCount: {message.dequeue_count}, InsertedOn: {_iso(raw.inserted_on)}"


def _iso(time: datetime | None) -> str | None:
    return f"{time:%Y-%m-%dT%H:%M:%S}+00:00" if time else None


def _time(time: datetime | None) -> Value:
    return json_text(json.dumps(_iso(time)))
