"""The HTTP server of the stand-in, on the loopback interface only."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request.

    Attributes:
        method: in capitals.
        path: still quoted, begins with `/`.
        query: decoded.
        headers: names in lower case.
        body: as sent.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def key(self) -> str:
        """The key that the client presents, or an empty text."""
        return self.headers.get("x-functions-key") or self.query.get("code", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


NOT_FOUND = Response(status=404)
UNAUTHORIZED = Response(status=401)


class HttpServer:
    """Passes every request to `answer`, each in a thread of its own, from construction on."""

    def __init__(self, *, port: int, answer: Callable[[Request], Response]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                response = answer(_request(self))
                self.send_response(response.status)
                for name, value in response.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(response.body)))
                self.end_headers()
                self.wfile.write(response.body)

            do_GET = do_OPTIONS = do_POST  # noqa: N815 (the base class's names)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
                """Log nothing: the host has its own log."""

        self._server = _Server((LOOPBACK, port), Handler)
        threading.Thread(target=self._server.serve_forever, name="http", daemon=True).start()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up."""


def _request(handler: BaseHTTPRequestHandler) -> Request:
    url = urlsplit(handler.path)
    return Request(
        method=handler.command,
        path=url.path,
        query=dict(parse_qsl(url.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in handler.headers.items()},
        body=handler.rfile.read(int(handler.headers.get("Content-Length") or 0)),
    )
