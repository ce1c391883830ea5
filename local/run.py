"""Keep the stack up until Ctrl-C: `make run`."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.host import HostStartError
from local.install import InstallError, install_all
from local.processes import NotInstalledError, ProcessError, interrupt_on_signals
from local.stack import CONTAINER, DAG_ID, WELL_KNOWN, Stack, app_settings, start_stack
from shared.config.settings import Settings
from shared.routes.load import DEFAULT_FILE

ROOT = Path(__file__).parents[1]
STATE_FILE = ROOT / ".stack" / "run.json"
"""Holds the settings of the running stack's app, for `local.upload` and `blob-to-dag --local`."""

POLL_SECONDS = 0.5


def describe(stack: Stack) -> str:
    """Return the addresses, the Airflow log-in and the next steps."""
    notes = notes_on(os.environ, app_settings(stack.azurite, stack.airflow))
    return f"""
  Blob Storage  {stack.azurite.blob_url}   (container {CONTAINER})
  Queues        {stack.azurite.queue_url}
  Tables        {stack.azurite.table_url}
  Airflow       {stack.airflow.base_url}   user {stack.airflow.username}, password {stack.airflow.password}
  The app       {stack.host.url}   log {stack.host.process.log_path}

  Upload a file, from another terminal:

      make upload FILE=README.md
      make upload FILE=README.md NAME="a folder/another name.md"

  {_what_starts(ROOT)} What waits and what failed:

      .venv/bin/blob-to-dag status --local
      .venv/bin/blob-to-dag ui --local          the same as a page in the browser

  Ctrl-C stops everything. The next start has a new Airflow and an empty storage.
{"".join(f"  {note} (from your environment){chr(10)}" for note in notes)}"""


def notes_on(environ: Mapping[str, str], own: Mapping[str, str]) -> list[str]:
    """Return what becomes of the shell's app settings, by their names; `own` are those of the stack."""
    known = {item.name for item in Settings.table().values()} | own.keys()
    kept = sorted(name for name in known - own.keys() if environ.get(name))
    lost = sorted(name for name in own if environ.get(name, own[name]) != own[name])
    notes = {"Not used, for the stack has its own": lost, "Used": kept}
    return [f"{text}: {', '.join(names)}" for text, names in notes.items() if names]


def _what_starts(app: Path) -> str:
    if (app / DEFAULT_FILE).exists():
        return f"{DEFAULT_FILE} says which runs each one starts."
    return f"Each one starts a run of the DAG {DAG_ID}."


@contextmanager
def state_file(stack: Stack) -> Iterator[None]:
    """Keep the state file while the stack is up."""
    state = {
        "connection_string": stack.azurite.connection_string,
        "settings": app_settings(stack.azurite, stack.airflow),
    }
    # Airflow's password is in it.
    STATE_FILE.touch(mode=0o600)
    STATE_FILE.write_text(json.dumps(state), encoding="utf-8")
    try:
        yield
    finally:
        STATE_FILE.unlink(missing_ok=True)


def file_changes(file: Path) -> Callable[[], list[str]]:
    """Return what tells, once for each change of a file, that the app has not read it."""

    def stamp() -> int | None:
        return file.stat().st_mtime_ns if file.exists() else None

    seen = stamp()

    def look() -> list[str]:
        nonlocal seen
        before, seen = seen, stamp()
        if seen == before:
            return []
        return [f"{file.name} has changed: the app reads it when it starts. Ctrl-C, and `make run` again."]

    return look


def follow(stack: Stack) -> None:
    """Print the app's log until a part of the stack exits.

    Raises:
        ProcessError: a part exited.
    """
    changes = file_changes(ROOT / DEFAULT_FILE)
    with stack.host.process.log_path.open(encoding="utf-8", errors="replace") as log:
        while stack.is_running:
            for line in log:
                print(line, end="", flush=True)
            for change in changes():
                print(change, flush=True)
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
