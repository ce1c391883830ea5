"""The host's own addresses: its state, its functions, and running one by hand.

Source: HOST Controllers/HostController.cs, FunctionsController.cs; DOC functions-manually-run-non-http.md.
"""

import json
import threading
from collections.abc import Callable, Mapping

from local.host.functions import Function
from local.host.host_log import Log, brief
from local.host.http_message import NOT_FOUND, UNAUTHORIZED, Request, Response
from local.host.keys import HostKeys

STATUS_PATH = "/admin/host/status"
_FUNCTIONS = "/admin/functions"

type RunByHand = Callable[[Function, str], object]
"""Runs a function with an input: a body, or `container/blob` for a blob function."""


class Admin:
    """Answers below `/admin`."""

    def __init__(
        self,
        *,
        functions: Mapping[str, Function],
        run: RunByHand,
        keys: HostKeys | None,
        log: Log,
    ) -> None:
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._run = run
        self._keys = keys
        self._log = log

    def answer(self, request: Request) -> Response:
        """Answer one request; only the status is open to everybody, as in Core Tools."""
        if request.path == STATUS_PATH:
            return status_response("Running")
        if self._keys is not None and not self._keys.allows(request.key, level="admin"):
            return UNAUTHORIZED
        if request.path == _FUNCTIONS and request.method == "GET":
            return _json(
                [{"name": item.name, "config": dict(item.trigger)} for item in self._functions.values()]
            )
        name = request.path.removeprefix(f"{_FUNCTIONS}/").lower()
        function = self._functions.get(name)
        if function is None or request.method != "POST":
            return NOT_FOUND
        try:
            text = str(json.loads(request.body or b"{}").get("input", ""))
        except (ValueError, AttributeError):
            return Response(status=400)
        threading.Thread(target=self._start, args=(function, text), name=f"admin-{name}", daemon=True).start()
        return Response(status=202)

    def _start(self, function: Function, text: str) -> None:
        try:
            self._run(function, text)
        except Exception as exc:  # noqa: BLE001 (the caller has its 202 already; the log is what is left)
            self._log(f"'{function.name}' could not be run by hand: {brief(exc)}", level="Error")


def status_response(state: str, *, errors: list[str] | None = None) -> Response:
    """Return the host's state (`Running`, `Starting` or `Error`) as the real host words it."""
    return _json({"state": state, "errors": errors or []})


def _json(document: object) -> Response:
    return Response(
        status=200, body=json.dumps(document).encode(), headers=(("Content-Type", "application/json"),)
    )
