"""`DeadlineAdapter`: one time-out for a whole response, headers and body, not for each wait for a byte."""

import io
import socket
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
            super().connect()
        except Exception as error:
            setattr(error, NOT_SENT, True)
            raise


class _HttpsConnection(HTTPSConnection):
    response_class = _Response

    def connect(self) -> None:
        try:
            super().connect()
        except Exception as error:
            setattr(error, NOT_SENT, True)
            raise


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose read time-out covers the whole response."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pools; called by `requests`."""
        super().init_poolmanager(*args, **kwargs)
        _bound(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Create the pools behind a proxy; called by `requests`."""
        manager = super().proxy_manager_for(*args, **kwargs)
        _bound(manager)
        return manager


def _bound(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
