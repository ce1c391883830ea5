"""HTTP triggers: which function a request is for, and how it is asked and answers."""

import base64
import re
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

from local.host.functions import Function
from local.host.http_message import NOT_FOUND, UNAUTHORIZED, Request, Response
from local.host.invoker import Invocation, Invoker
from local.host.keys import HostKeys
from local.host.typed_data import Value, binary, to_bytes

_PART = re.compile(r"\{(\*?)([^{}:?]+)(?::([^{}?]+))?(\??)\}")
_CONSTRAINTS = {"int": r"-?\d+", "alpha": "[A-Za-z]+", "guid": "[0-9A-Fa-f-]{36}", "bool": "(?i:true|false)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One function's address: methods, a pattern for the quoted path, and the level of its key."""

    function: Function
    methods: frozenset[str]
    pattern: re.Pattern[str]
    level: str

    @classmethod
    def of(cls, function: Function, *, prefix: str) -> Self:
        """Build from the function's trigger."""
        path = str(function.trigger.get("route") or function.name).strip("/")
        whole = "/".join(part for part in (prefix, path) if part)
        pattern, position = "", 0
        for found in _PART.finditer(whole):
            literal = re.escape(whole[position : found.start()])
            position = found.end()
            value = ".*" if found[1] else _CONSTRAINTS.get(found[3] or "", "[^/]+")
            name = f"(?P<{found[2]}>{value})"
            if found[4] and literal.endswith("/"):
                pattern += f"{literal[:-1]}(?:/{name})?"
            else:
                pattern += literal + name
        pattern += re.escape(whole[position:])
        return cls(
            function=function,
            methods=frozenset(str(method).upper() for method in function.trigger.get("methods") or ()),
            # Routes are matched without regard to case, as ASP.NET Core does.
            pattern=re.compile(f"/{pattern}/?", re.IGNORECASE),
            level=str(function.trigger.get("authLevel") or "function").lower(),
        )


class Routes:
    """All HTTP functions of the app."""

    def __init__(self, *, routes: list[Route], invoker: Invoker, keys: HostKeys | None) -> None:
        self._routes = routes
        self._invoker = invoker
        self._keys = keys

    def answer(self, request: Request) -> Response:
        """Run the function that a request is for; `keys` None lets everybody in, as Core Tools does."""
        for route in self._routes:
            found = route.pattern.fullmatch(request.path)
            if found is None or (route.methods and request.method not in route.methods):
                continue
            if self._keys is not None and not self._keys.allows(request.key, level=route.level):
                return UNAUTHORIZED
            parameters = {
                name: unquote(value) for name, value in found.groupdict().items() if value is not None
            }
            result = self._invoker.invoke(
                Invocation(
                    function=route.function,
                    value=_value(request, parameters),
                    reason="This function was programmatically called via the host APIs.",
                    trace_parent=request.headers.get("traceparent", ""),
                )
            )
            return Response(status=500) if result.error is not None else _response(result.value)
        return NOT_FOUND


def _value(request: Request, parameters: dict[str, str]) -> Value:
    return {
        "http": {
            "method": request.method,
            "url": request.url,
            "headers": dict(request.headers),
            "query": dict(request.query),
            "params": parameters,
            "body": binary(request.body),
        }
    }


def _response(value: Value | None) -> Response:
    if not value:
        return Response(status=204)
    if "http" not in value:
        return Response(
            status=200, body=to_bytes(value), headers=(("Content-Type", "text/plain; charset=utf-8"),)
        )
    http: dict[str, Any] = value["http"]
    headers = [*http["headers"].items(), *(("Set-Cookie", cookie) for cookie in http["cookies"])]
    body = base64.b64decode((http["body"] or {}).get("bytes", ""))
    return Response(status=int(http["status_code"]), body=body, headers=tuple(headers))
