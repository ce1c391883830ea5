"""A TCP proxy on loopback that counts what passes: requests by method, bytes each way, connections."""

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_REQUEST_LINE = re.compile(rb"^(HEAD|GET|PUT|POST|DELETE) \S+ HTTP/1\.1\r$", re.MULTILINE)


@dataclass
class CountingProxy:
    """What passed so far.

    Attributes:
        port: Where it listens on 127.0.0.1.
        methods: How many requests of each method went up.
        bytes_down: What the server sent.
        connections: How many were opened.
    """

    port: int
    methods: Counter[str] = field(default_factory=Counter)
    bytes_down: int = 0
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        """Forget what passed; connections that are open stay open."""
        with self.lock:
            self.methods.clear()
            self.bytes_down = 0

    def saw_up(self, data: bytes) -> None:
        """Count requests; one begins with each send, as clients wait for answers."""
        with self.lock:
            for match in _REQUEST_LINE.finditer(data):
                self.methods[match[1].decode()] += 1

    def saw_down(self, data: bytes) -> None:
        """Count what storage served."""
        with self.lock:
            self.bytes_down += len(data)


@contextmanager
def counting_proxy(target_port: int) -> Iterator[CountingProxy]:
    """Pass everything between a free loopback port and `target_port`."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    proxy = CountingProxy(port=listener.getsockname()[1])
    open_sockets: set[socket.socket] = set()

    def pump(source: socket.socket, sink: socket.socket, *, up: bool) -> None:
        with suppress(OSError):
            while data := source.recv(256 * 1024):
                (proxy.saw_up if up else proxy.saw_down)(data)
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", target_port))
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with proxy.lock:
                    proxy.connections += 1
                    open_sockets.update({client, server})
                threading.Thread(target=pump, args=(client, server), kwargs={"up": True}, daemon=True).start()
                threading.Thread(
                    target=pump, args=(server, client), kwargs={"up": False}, daemon=True
                ).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield proxy
    finally:
        listener.close()
        for end in open_sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
