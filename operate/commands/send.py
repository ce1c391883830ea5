"""`blob-to-dag send`."""

from typing import Annotated

import typer

from operate.command import FAILED, desk_command
from operate.commands.options import DryRun, Who, who_or_me
from operate.desk import Desk
from operate.files import look_at, no_such_file, requests_of, verdicts_on
from operate.output import Output
from operate.send import Sent, send, send_again
from shared.routes.explanation import explanation

_HEADER = ("Sent", "Lane", "Run id", "What")


def register(app: typer.Typer) -> None:
    """Add the command."""
    desk_command(app, "send", changes=True)(send_file)


def send_file(
    desk: Desk,
    output: Output,
    *,
    path: Annotated[str, typer.Argument(metavar="CONTAINER/NAME", help="The file.")],
    again: Annotated[
        bool, typer.Option("--again", help="Start another run of what was delivered already, at once.")
    ] = False,
    dry_run: DryRun = False,
    who: Who = "",
) -> int:
    """Send one file by hand, as if it had just landed; what is delivered already is said.

    Exit status: 1 if a run that a route wants is neither there nor on its way.
    """
    event = look_at(desk, path)
    if event is None:
        output.note(f"error: {no_such_file(desk, path)}")
        return FAILED
    verdicts = verdicts_on(desk, event)
    requests = requests_of(event, verdicts)
    if not requests:
        output.note("No route wants it:")
        for line in explanation(desk.routes, event, verdicts):
            output.note(line)
        return FAILED
    output.note(f"Routes from {desk.routes_from}.")
    done: list[Sent] = [
        send_again(desk, event, run, dry_run=dry_run)
        if again
        else send(desk, event, run, who=who_or_me(who), dry_run=dry_run)
        for run in requests
    ]
    output.rows(done, _HEADER, _cells)
    return 0 if all(each.is_settled for each in done) else FAILED


def _cells(sent: Sent) -> tuple[str, ...]:
    return "yes" if sent.is_sent else "no", sent.lane, sent.run_id, sent.note
