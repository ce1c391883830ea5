"""An HTTP proxy in front of a real Airflow that lets a share of all calls fail, in eight ways."""

import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_TARGET_SECONDS = 60
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass
class FaultyProxy:
    """What it does, and what it has seen.

    Attributes:
        base_url: Where it listens.
        fails: Part of the calls that fail, from 0 to 1; the test changes it.
        late_seconds: How long an answer is held back that comes too late.
        slow_seconds: How long every call takes at least that is forwarded.
        random: Decides which calls fail, and how.
        seen: How many calls went well (`""`) and failed in each way.
        forwarded: How many calls the target has carried out.
        busy_seconds: How long it took for them, all together.
    """

    target: str
    fails: float
    late_seconds: float
    slow_seconds: float
    random: random.Random
    base_url: str = ""
    seen: Counter[str] = field(default_factory=Counter)
    forwarded: int = 0
    busy_seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forward(self, send: Callable[[], "_Answer"]) -> "_Answer":
        """Forward a call, and note how long it took."""
        start = time.monotonic()
        answer = send()
        with self.lock:
            self.forwarded += 1
            self.busy_seconds += time.monotonic() - start
        return answer

    def next_way(self) -> str:
        """Decide what becomes of the next call: the name of a way to fail, or an empty text."""
        with self.lock:
            way = self.random.choice(list(WAYS)) if self.random.random() < self.fails else ""
            self.seen[way] += 1
            return way


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: FaultyProxy

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay quiet."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def send() -> _Answer:
            time.sleep(self.proxy.slow_seconds)
            return _forward(self.proxy.target, self.command, self.path, dict(self.headers.items()), body)

        def forward() -> _Answer:
            return self.proxy.forward(send)

        way = self.proxy.next_way()
        if way:
            WAYS[way](self, forward)
        else:
            self.send(forward())

    def send(self, answer: _Answer, *, length: int | None = None) -> None:
        """Send an answer; `length` is what it says of its length, where that is not true."""
        self.send_response(answer.status)
        for name, value in answer.headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) if length is None else length))
        self.end_headers()
        self.wfile.write(answer.body)

    def reset(self) -> None:
        """Reset the connection."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.connection.close()


type _Forward = Callable[[], _Answer]


def _reset_before(handler: _Handler, _forward: _Forward) -> None:
    handler.reset()


def _reset_after(handler: _Handler, forward: _Forward) -> None:
    forward()
    handler.reset()


def _bad_gateway(handler: _Handler, forward: _Forward) -> None:
    forward()
    handler.send(_page(502, "Bad Gateway"))


def _busy(handler: _Handler, _forward: _Forward) -> None:
    headers = [("Retry-After", "1"), ("Content-Type", "application/json")]
    handler.send(_Answer(429, headers, b'{"message": "Too many requests"}'))


def _torn(handler: _Handler, forward: _Forward) -> None:
    answer = forward()
    half = _Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
    handler.send(half, length=len(answer.body) + 1)
    handler.reset()


def _empty(handler: _Handler, forward: _Forward) -> None:
    forward()
    handler.send(_Answer(200, (), b""))


def _late(handler: _Handler, forward: _Forward) -> None:
    answer = forward()
    time.sleep(handler.proxy.late_seconds)
    handler.send(answer)


def _log_in_page(handler: _Handler, _forward: _Forward) -> None:
    handler.send(_page(200, "Please log in"))


WAYS: Mapping[str, Callable[[_Handler, _Forward], None]] = {
    "reset before": _reset_before,
    "reset after": _reset_after,
    "502 after": _bad_gateway,
    "429": _busy,
    "torn": _torn,
    "empty 200": _empty,
    "time-out": _late,
    "page with 200": _log_in_page,
}
"""All but the first, the 429 and the page happen after Airflow has carried out the call."""


def _page(status: int, text: str) -> _Answer:
    return _Answer(status, [("Content-Type", "text/html")], f"<html>{text}</html>".encode())


def _forward(target: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> _Answer:
    parts = urlsplit(target)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_TARGET_SECONDS)
    try:
        sent = {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
        connection.request(method, path, body or None, sent)
        response = connection.getresponse()
        return _Answer(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet: a client that has hung up is no news, and a connection was reset here."""


@contextmanager
def faulty_proxy(
    target: str, *, fails: float = 0.0, late_seconds: float = 0.0, slow_seconds: float = 0.0, seed: int = 0
) -> Iterator[FaultyProxy]:
    """Pass calls between a free loopback port and `target`."""
    rng = random.Random(seed)  # noqa: S311  (a test, no secret)
    proxy = FaultyProxy(
        target=target, fails=fails, late_seconds=late_seconds, slow_seconds=slow_seconds, random=rng
    )
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy}))
    proxy.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
