"""The HTTP server of the stand-in, on the loopback interface only."""

import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.host.http_message import Request, Response

LOOPBACK = "127.0.0.1"
_NO_BODY = (204, 304)

type Answer = Callable[[Request], Response]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Answer) -> None:
        self.answer = answer
        super().__init__((LOOPBACK, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: socketserver.BaseServer

    def handle_one_request(self) -> None:
        """Read one request and answer it, whatever its method is."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if not self.parse_request():
            return
        server = self.server
        if not isinstance(server, _Server):
            raise TypeError
        response = server.answer(self._request())
        self.send_response_only(response.status)
        lengths = ("content-length", "transfer-encoding", "connection")
        for name, value in response.headers:
            if name.lower() not in lengths:
                self.send_header(name, value)
        if response.status not in _NO_BODY:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD" and response.status not in _NO_BODY:
            self.wfile.write(response.body)
        self.wfile.flush()

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        query: dict[str, str] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            query.setdefault(name, value)
        return Request(
            method=self.command.upper(),
            url=f"http://{self.headers.get('Host', LOOPBACK)}{self.path}",
            path=parts.path,
            query=query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._body(),
        )

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)


class HttpServer:
    """Listens from the start; what it answers may change while the host loads the app."""

    def __init__(self, *, port: int, answer: Answer) -> None:
        self._answer = answer
        self._server = _Server(port, self._current)
        self._thread = threading.Thread(target=self._server.serve_forever, name="http", daemon=True)
        self._thread.start()

    def _current(self, request: Request) -> Response:
        return self._answer(request)

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def use(self, answer: Answer) -> None:
        """Answer by other means from now on."""
        self._answer = answer

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
