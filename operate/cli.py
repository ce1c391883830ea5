"""`blob-to-dag`: the command line. A command's module is imported when it is called, or shown in the help."""

import logging
import signal
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

_MODULES = {
    "status": "status",
    "trace": "trace",
    "waiting": "waiting",
    "dead": "dead",
    "hold": "hold",
    "release": "hold",
    "routes": "routes",
    "send": "send",
    "trigger": "trigger",
    "runs": "runs",
    "dags": "runs",
    "backfill": "backfill",
    "doctor": "doctor",
    "ui": "ui",
}
"""By command, its module in `operate.commands`; in the order of the help."""


class Commands(TyperGroup):
    """Imports the module of the command that is called; all for the help, or for a name that is none."""

    def list_commands(self, _context: object) -> list[str]:
        """Return all names."""
        self._import(*_MODULES.values())
        return list(_MODULES)

    def get_command(self, context: Any, cmd_name: str) -> Any:
        """Return a command; None where there is none."""
        if cmd_name not in self.commands:
            self._import(*([_MODULES[cmd_name]] if cmd_name in _MODULES else _MODULES.values()))
        return super().get_command(context, cmd_name)

    def _import(self, *modules: str) -> None:
        for module in dict.fromkeys(modules):
            part = typer.Typer()
            import_module(f"operate.commands.{module}").register(part)
            self.commands.update(get_group(part).commands)


app = typer.Typer(
    name="blob-to-dag",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    # They would show local variables, and with them secrets.
    pretty_exceptions_enable=False,
)


@app.callback()
def _blob_to_dag() -> None:
    """What happened to a file, what waits, send it again."""


def main() -> None:
    """Run one command."""
    # Also where a shell has started it in the background, with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What shared/ logs, and the SDK, is for the app's log; a command says what matters itself.
    logging.getLogger().addHandler(logging.NullHandler())
    app()
