"""Keep the stack up until Ctrl-C: `make run`."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.host import HostStartError
from local.install import InstallError, install_all
from local.processes import NotInstalledError, ProcessError, interrupt_on_signals
from local.stack import CONTAINER, DAG_ID, WELL_KNOWN, Stack, start_stack

STATE_FILE = Path(__file__).parents[1] / ".stack" / "run.json"
"""Holds the connection string of the running stack's storage, for `local.upload`."""

POLL_SECONDS = 0.5


def describe(stack: Stack) -> str:
    """Return the addresses, the Airflow log-in and the next steps."""
    return f"""
  Blob Storage  {stack.azurite.blob_url}   (container {CONTAINER})
  Queues        {stack.azurite.queue_url}
  Tables        {stack.azurite.table_url}
  Airflow       {stack.airflow.base_url}   user {stack.airflow.username}, password {stack.airflow.password}
  The app       {stack.host.url}   log {stack.host.process.log_path}

  Upload a file, from another terminal:

      make upload FILE=README.md
      make upload FILE=README.md NAME="a folder/another name.md"

  Each one starts a run of the DAG {DAG_ID}. Ctrl-C stops everything.
"""


@contextmanager
def state_file(stack: Stack) -> Iterator[None]:
    """Keep the state file while the stack is up."""
    STATE_FILE.write_text(
        json.dumps({"connection_string": stack.azurite.connection_string}), encoding="utf-8"
    )
    try:
        yield
    finally:
        STATE_FILE.unlink(missing_ok=True)


def follow(stack: Stack) -> None:
    """Print the app's log until a part of the stack exits.

    Raises:
        ProcessError: a part exited.
    """
    with stack.host.process.log_path.open(encoding="utf-8", errors="replace") as log:
        while stack.is_running:
            for line in log:
                print(line, end="", flush=True)
            time.sleep(POLL_SECONDS)
    msg = "a part of the stack exited unexpectedly"
    raise ProcessError(msg)


def main() -> None:
    """Install what is missing, start the stack, and wait."""
    interrupt_on_signals()
    try:
        install_all()
        with start_stack(ports=WELL_KNOWN) as stack, state_file(stack):
            print(describe(stack), flush=True)
            follow(stack)
    except (InstallError, NotInstalledError, ProcessError, HostStartError, TimeoutError) as exc:
        sys.exit(f"error: {exc}")
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
