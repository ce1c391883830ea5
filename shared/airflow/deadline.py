"""`DeadlineAdapter`: one time-out for a whole response, not for each wait for a byte; also one for DNS."""

import io
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

NOT_SENT = "blob_to_dag_not_sent"
"""Attribute of an exception raised before a request was written: DNS, connecting, TLS handshake."""

_KEEPALIVE = {"SO_KEEPALIVE": 1, "TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""Seconds and tries: Azure's outbound NAT forgets idle connections after four minutes, without a word."""


class NameTimeoutError(TimeoutError):
    """DNS did not answer in time."""


def _look_up(host: str, port: int, seconds: object) -> None:
    """Fail in time where DNS is deaf: `getaddrinfo` itself has no time-out. The connection asks again."""
    if not isinstance(seconds, int | float) or _is_address(host):
        return
    looker = threading.Thread(target=_quietly_ask, args=(host, port), daemon=True)
    looker.start()
    looker.join(seconds)
    if looker.is_alive():
        msg = "DNS did not answer in time"
        raise NameTimeoutError(msg)


def _quietly_ask(host: str, port: int) -> None:
    try:
        socket.getaddrinfo(host, port)
    except (OSError, UnicodeError):
        return  # the connection fails the same way, and says so


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _socket_options() -> list[tuple[int, int, int]]:
    levels = {"SO": socket.SOL_SOCKET, "TCP": socket.IPPROTO_TCP}
    return [
        *HTTPConnection.default_socket_options,
        *(
            (levels[name.partition("_")[0]], getattr(socket, name), value)
            for name, value in _KEEPALIVE.items()
            if hasattr(socket, name)
        ),
    ]


class _Reader(io.RawIOBase):
    """Reads a socket until a fixed deadline, however slowly the bytes arrive."""

    def __init__(self, sock: socket.socket, clock: Callable[[], float] = time.monotonic) -> None:
        self._sock = sock
        self._clock = clock
        self._end = clock() + (sock.gettimeout() or 0.0)
        # Keeps the socket open until both the connection and this reader have closed it.
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - self._clock()
        if left <= 0:
            msg = "the response took too long"
            raise TimeoutError(msg)
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """A response that must be complete within the read time-out of its socket."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Reader(sock))


class _HttpConnection(HTTPConnection):
    response_class = _Response

    def connect(self) -> None:
        try:
            _look_up(self._dns_host, self.port, self.timeout)
            super().connect()
        except Exception as error:
            setattr(error, NOT_SENT, True)
            raise


class _HttpsConnection(HTTPSConnection):
    response_class = _Response

    def connect(self) -> None:
        try:
            _look_up(self._dns_host, self.port, self.timeout)
            super().connect()
        except Exception as error:
            setattr(error, NOT_SENT, True)
            raise


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose read time-out covers the whole response.

    Args:
        threads: Threads that send; there are never more connections to one server than that.
        certificates: TLS with the app's own certificate; None without one, or with one in a file.
    """

    def __init__(self, *, threads: int, certificates: ssl.SSLContext | None = None) -> None:
        options = {"socket_options": _socket_options()}
        self._options = {**options, "ssl_context": certificates} if certificates else options
        super().__init__(pool_connections=2, pool_maxsize=threads, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pools; called by `requests`."""
        super().init_poolmanager(*args, **{**kwargs, **self._options})
        _bound(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Create the pools behind a proxy; called by `requests`."""
        manager = super().proxy_manager_for(*args, **{**kwargs, **self._options})
        _bound(manager)
        return manager


def _bound(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
