"""`blob-to-dag`: the command line. Each command is registered here, in the order of the help."""

import logging
import signal

import typer

from operate.commands import (
    backfill,
    dead,
    doctor,
    hold,
    routes,
    runs,
    send,
    status,
    trace,
    trigger,
    ui,
    waiting,
)

app = typer.Typer(
    name="blob-to-dag",
    no_args_is_help=True,
    add_completion=False,
    # They would show local variables, and with them secrets.
    pretty_exceptions_enable=False,
)


@app.callback()
def _blob_to_dag() -> None:
    """What happened to a file, what waits, send it again."""


status.register(app)
trace.register(app)
waiting.register(app)
dead.register(app)
hold.register(app)
routes.register(app)
send.register(app)
trigger.register(app)
runs.register(app)
backfill.register(app)
doctor.register(app)
ui.register(app)


def main() -> None:
    """Run one command."""
    # Also where a shell has started it in the background, with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What shared/ logs, and the SDK, is for the app's log; a command says what matters itself.
    logging.getLogger().addHandler(logging.NullHandler())
    app()
