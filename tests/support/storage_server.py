"""A storage service on loopback that answers as the test says: what Azurite never does."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from local.azurite import ACCOUNT_KEY


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the service answers.

    Attributes:
        status: HTTP status.
        body: As JSON.
        headers: More of them.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def error(status: int, code: str, **headers: str) -> Reply:
    """Return an error as the table service words it."""
    body = {"odata.error": {"code": code, "message": {"lang": "en-US", "value": f"{code} happened."}}}
    return Reply(status=status, body=body, headers=headers)


def _busy(method: str, path: str) -> Reply:
    """Answer every request with 503."""
    return error(503, "ServerBusy")


@dataclass
class StorageServer:
    """What was asked, and what is answered.

    Attributes:
        port: Where it listens on 127.0.0.1.
        answer: Gives the answer to a method and a path with its query, decoded.
        asked: Each method and path, in their order.
    """

    port: int = 0
    answer: Callable[[str, str], Reply] = field(default=_busy)
    asked: list[str] = field(default_factory=list)

    @property
    def connection_string(self) -> str:
        """All services of one account."""
        services = "".join(
            f"{service}Endpoint=http://127.0.0.1:{self.port}/acct;" for service in ("Blob", "Queue", "Table")
        )
        return f"DefaultEndpointsProtocol=http;AccountName=acct;AccountKey={ACCOUNT_KEY};{services}"


@contextmanager
def serve_storage() -> Iterator[StorageServer]:
    """Serve on a free loopback port."""
    standin = StorageServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = unquote(self.path)
            standin.asked.append(f"{self.command} {path}")
            reply = standin.answer(self.command, path)
            body = b"" if reply.body is None or self.command == "HEAD" else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Type", "application/json;odata=minimalmetadata")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  (http.server's names)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients hang up as they like
    standin.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield standin
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
