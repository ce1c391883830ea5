"""A proxy in front of a storage port that counts what is asked for and how much is answered."""

import http.client
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """One request that passed: its method, its decoded path, and the bytes of the answer's body."""

    method: str
    path: str
    body_bytes: int


@dataclass(slots=True, kw_only=True)
class CountingProxy:
    """A running proxy; a context manager that stops it."""

    server: ThreadingHTTPServer
    seen: list[SeenRequest] = field(default_factory=list)

    @classmethod
    def in_front_of(cls, target_port: int) -> Self:
        """Start a proxy to a loopback port."""
        seen: list[SeenRequest] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                target = http.client.HTTPConnection(LOOPBACK, target_port, timeout=30)
                target.request(self.command, self.path, body=body or None, headers=dict(self.headers.items()))
                answer = target.getresponse()
                content = answer.read()
                target.close()
                seen.append(
                    SeenRequest(
                        method=self.command,
                        path=unquote(urlsplit(self.path).path),
                        body_bytes=len(content),
                    )
                )
                self._pass_on(answer, content)

            def _pass_on(self, answer: http.client.HTTPResponse, content: bytes) -> None:
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {
                        "transfer-encoding",
                        "connection",
                        "keep-alive",
                        "content-length",
                    }:
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
                pass

        server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, name="proxy", daemon=True).start()
        return cls(server=server, seen=seen)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server.server_address[1])

    def requests(self, path_end: str) -> list[SeenRequest]:
        """Return the requests for paths with this end."""
        return [request for request in self.seen if request.path.endswith(path_end)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
