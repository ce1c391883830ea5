"""`blob-to-dag doctor`."""

import typer
from rich.text import Text

from operate.command import ATTENTION, desk_command
from operate.desk import Desk
from operate.doctor.check import Finding, State, examine
from operate.doctor.order import CHECKS
from operate.output import Output, printable

_COLOURS = {State.WELL: "green", State.NOTE: "yellow", State.FAULT: "bold red", State.NOT_TRIED: "dim"}
_STATE_WIDTH = max(map(len, State)) + 2
_NAME_WIDTH = max(len(check.name) for check in CHECKS) + 2


def register(app: typer.Typer) -> None:
    """Add the command."""
    desk_command(app, "doctor")(doctor)


def doctor(desk: Desk, output: Output) -> int:
    """Check every precondition in order, and say of each that fails what repairs it.

    Nothing is changed, and no run is created. Exit status: 0 no fault, 3 there is one.
    """
    found = []
    for finding in examine(desk, CHECKS):
        output.show(finding, rendered)
        found.append(finding.state)
    return ATTENTION if State.FAULT in found else 0


def rendered(finding: Finding) -> Text:
    """Return a finding as a line for a person."""
    state = Text(f"{finding.state:<{_STATE_WIDTH}}", style=_COLOURS[finding.state])
    return state.append(printable(f"{finding.check:<{_NAME_WIDTH}}{finding.text}"), style="default")
