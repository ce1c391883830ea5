"""The pipe between host and worker: JSON messages, each after its length, over a socket."""

import contextlib
import json
import socket
import struct
import threading
from typing import Any

_LENGTH = struct.Struct(">I")


class Wire:
    """One end of the pipe; any thread may send, one thread receives."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._reader = connection.makefile("rb")
        self._lock = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        """Send one message.

        Raises:
            OSError: the other end is gone.
        """
        # Non-ASCII is escaped, so lone surrogates pass too.
        data = json.dumps(message).encode("ascii")
        with self._lock:
            self._socket.sendall(_LENGTH.pack(len(data)) + data)

    def receive(self) -> dict[str, Any] | None:
        """Wait for one message; return None when the other end is gone."""
        try:
            head = self._reader.read(_LENGTH.size)
            if len(head) < _LENGTH.size:
                return None
            (length,) = _LENGTH.unpack(head)
            data = self._reader.read(length)
        except (OSError, ValueError):
            return None
        if len(data) < length:
            return None
        message: dict[str, Any] = json.loads(data)
        return message

    def close(self) -> None:
        """Close this end, which wakes the receiver of either end."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
