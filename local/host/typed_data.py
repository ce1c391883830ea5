"""Values on their way between host and worker: `{kind: value}` in JSON, `TypedData` for the runtime.

The kinds are those of FunctionRpc.proto: string, json, bytes (Base64 in JSON), http, model_binding_data.
"""

import base64
from types import SimpleNamespace
from typing import Any

Value = dict[str, Any]


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


def string(text: str) -> Value:
    """Return a text value."""
    return {"string": text}


def json_text(text: str) -> Value:
    """Return a value whose text is JSON."""
    return {"json": text}


def binary(data: bytes) -> Value:
    """Return a bytes value."""
    return {"bytes": base64.b64encode(data).decode("ascii")}


def to_bytes(value: Value | None) -> bytes:
    """Return what an HTTP client gets for a value."""
    if not value:
        return b""
    if "bytes" in value:
        return base64.b64decode(value["bytes"])
    return str(next(iter(value.values()))).encode()


def decode(value: Value) -> TypedData:
    """Turn a JSON value into what the runtime reads."""
    if not value:
        return TypedData()
    ((kind, content),) = value.items()
    match kind:
        case "bytes":
            content = base64.b64decode(content)
        case "model_binding_data":
            content = SimpleNamespace(**{**content, "content": content["content"].encode()})
        case "http":
            content = SimpleNamespace(**{**content, "body": decode(content["body"])})
    return TypedData(**{kind: content})


def encode(data: TypedData | None) -> Value | None:
    """Turn what the runtime returns into a JSON value."""
    kind = data.WhichOneof("data") if data is not None else None
    if kind is None:
        return None
    content = getattr(data, kind)
    match kind:
        case "bytes":
            return binary(content)
        case "http":
            return {
                "http": {
                    "status_code": content.status_code,
                    "headers": dict(content.headers),
                    "cookies": [_cookie(cookie) for cookie in content.cookies or []],
                    "body": encode(content.body),
                }
            }
    return {kind: content}


def _cookie(cookie: Any) -> str:
    """Return a cookie as the text of its Set-Cookie header."""
    parts = [f"{cookie.name}={cookie.value}"]
    for field, label in (("domain", "Domain"), ("path", "Path"), ("max_age", "Max-Age")):
        if (value := getattr(cookie, field, None)) is not None and value.value not in {"", None}:
            parts.append(f"{label}={int(value.value) if field == 'max_age' else value.value}")
    for field, label in (("secure", "Secure"), ("http_only", "HttpOnly")):
        if (value := getattr(cookie, field, None)) is not None and value.value:
            parts.append(label)
    return "; ".join(parts)
