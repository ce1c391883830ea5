"""Runs a function with a queue trigger for a message of its queue."""

import json
from datetime import datetime

from local.host import queues
from local.host.functions import Function
from local.host.invoker import Invocation
from local.host.parts import HostParts
from local.host.queue_message import ReceivedMessage
from local.host.typed_data import Value, binary, json_text, string


class QueueRunner:
    """Turns messages of one queue into invocations of one function."""

    def __init__(self, *, function: Function, parts: HostParts) -> None:
        self._function = function
        self._invoker = parts.invoker
        self._is_base64 = parts.host_json.queues.is_base64
        self._log = parts.log

    def run(self, received: ReceivedMessage) -> bool:
        """Run the function with a message; False when the attempt failed."""
        try:
            body = queues.decode(str(received.raw.content), is_base64=self._is_base64)
        except ValueError as exc:
            self._log(f"A message for '{self._function.name}' is not Base64: {exc}", level="Error")
            return False
        return self.run_body(body, received=received)

    def run_body(self, body: bytes, *, received: ReceivedMessage | None = None) -> bool:
        """Run the function with a body, of a message or by hand."""
        queue = str(self._function.trigger["queueName"])
        try:
            text = body.decode("utf-8")
            value, shown = string(text), text
        except UnicodeDecodeError:
            value, shown = binary(body), ""
        metadata: dict[str, Value] = {"QueueTrigger": string(shown)}
        details = ""
        if received is not None:
            raw = received.raw
            metadata |= {
                "Id": string(raw.id),
                "PopReceipt": string(raw.pop_receipt or ""),
                "DequeueCount": json_text(str(received.dequeue_count)),
                "InsertionTime": _time(raw.inserted_on),
                "ExpirationTime": _time(raw.expires_on),
                "NextVisibleTime": _time(raw.next_visible_on),
            }
            details = f"MessageId: {raw.id}, DequeueCount: {received.dequeue_count}"
        answer = self._invoker.invoke(
            Invocation(
                function=self._function,
                value=value,
                reason=f"New queue message detected on '{queue}'.",
                metadata=metadata,
                details=details,
            )
        )
        return answer.error is None


def _time(time: datetime | None) -> Value:
    return json_text(json.dumps(f"{time:%Y-%m-%dT%H:%M:%S}+00:00" if time else None))
