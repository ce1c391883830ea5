"""Values between host and worker, and what the runtime takes for its protobuf module.

Between the processes a value is `{kind: content}` in JSON. In the worker it is plain objects with the
names of protobuf messages: the runtime imports no protobuf on these paths and uses the namespace that it
gets in `worker_init_request`. Upstream does the same (WRK workers/r2p2/bridge/protos_adapter.py).
"""

import base64
from types import SimpleNamespace
from typing import Any

Value = dict[str, Any]


def string(text: str) -> Value:
    """Return a text value."""
    return {"string": text}


def json_text(text: str) -> Value:
    """Return a value whose text is JSON."""
    return {"json": text}


def binary(data: bytes) -> Value:
    """Return a bytes value."""
    return {"bytes": base64.b64encode(data).decode("ascii")}


def model_binding_data(content: str) -> Value:
    """Return what an SDK client is built from; `content` is JSON (NET-B CreateParameterBindingData)."""
    return {
        "model_binding_data": {
            "version": "1.0",
            "source": "AzureStorageBlobs",
            "content_type": "application/json",
            "content": content,
        }
    }


class TypedData:
    """Stands in for the protobuf message of that name: at most one field is set."""

    def __init__(self, **fields: Any) -> None:
        self._kind = next((name for name, value in fields.items() if value is not None), None)
        self.__dict__.update(fields)

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 (protobuf's name)
        """Return the name of the field that is set."""
        return self._kind


class ParameterBinding:
    """Stands in for the protobuf message of that name: a named value."""

    def __init__(self, *, name: str, data: TypedData | None) -> None:
        self.name = name
        self.data = data

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 (protobuf's name)
        """Return the kind of transport: never shared memory."""
        return "data"


def decode(value: Value) -> TypedData:
    """Return a value as the runtime reads it."""
    ((kind, content),) = value.items()
    match kind:
        case "bytes":
            content = base64.b64decode(content)
        case "model_binding_data":
            content = SimpleNamespace(**{**content, "content": content["content"].encode()})
    return TypedData(**{kind: content})


class StatusResult(SimpleNamespace):
    """Outcome of a request."""

    Failure = 0
    Success = 1


class BindingInfo(SimpleNamespace):
    """One binding; the runtime compares `direction` with these."""

    undefined = 0
    out = 1
    inout = 2


FunctionLoadResponse = FunctionMetadataResponse = InvocationResponse = WorkerInitResponse = SimpleNamespace
WorkerMetadata = RpcException = RpcFunctionMetadata = RpcRetryOptions = SimpleNamespace
