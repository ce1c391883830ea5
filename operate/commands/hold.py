"""`blob-to-dag hold` and `release`."""

from typing import Annotated

import typer

from operate.command import desk_command
from operate.commands.options import DryRun, Who, who_or_me
from operate.desk import Desk
from operate.errors import DeskError
from operate.output import Output
from operate.person_holds import Change, hold, lanes_of, release
from shared.model.hold import PersonHold
from shared.model.lane import EVERYTHING, Lane

Names = Annotated[list[str] | None, typer.Argument(metavar="[ROUTE]...", help="Names or ids of routes.")]
Everything = Annotated[bool, typer.Option("--all", help="The hold on everything.")]

_HEADER = ("Done", "Lane", "What")
_NOT_ALL = 1


def register(app: typer.Typer) -> None:
    """Add the commands."""
    desk_command(app, "hold", changes=True)(hold_routes)
    desk_command(app, "release", changes=True)(release_routes)


def hold_routes(
    desk: Desk,
    output: Output,
    *,
    why: Annotated[str, typer.Option("--why", help="Shown to whoever looks at what waits.")],
    routes_held: Names = None,
    every: Everything = False,
    dry_run: DryRun = False,
    who: Who = "",
) -> int:
    """Send nothing of some routes, or nothing at all; everything is kept. Live calls stop within a minute.

    Only `release` ends it.
    """
    lanes = _lanes(desk, routes_held, every=every)
    if dry_run:
        return _show(output, _planned(lanes, "would be held"))
    person = PersonHold(who=who_or_me(who), why=why, since=desk.timing.now())
    status = _show(output, hold(desk.outbox, lanes, person))
    output.note("Live calls stop within a minute, and everything is kept. `blob-to-dag release` ends a hold.")
    return status


def release_routes(
    desk: Desk,
    output: Output,
    *,
    routes_held: Names = None,
    every: Everything = False,
    dry_run: DryRun = False,
) -> int:
    """End the holds of persons. The app's own end by themselves, or with `waiting retry`."""
    lanes = _lanes(desk, routes_held, every=every)
    if dry_run:
        return _show(output, _planned(lanes, "would be released"))
    status = _show(output, release(desk.outbox, lanes))
    state = desk.outbox.state(EVERYTHING)
    if state and state.person:
        output.note("Everything is still on hold: `blob-to-dag release --all` ends that.")
    return status


def _lanes(desk: Desk, names: list[str] | None, *, every: bool) -> list[Lane]:
    if bool(names) == every:
        msg = "Name routes, or say --all."
        raise DeskError(msg)
    return [EVERYTHING] if every else lanes_of(names or [], routes=desk.routes, outbox=desk.outbox)


def _planned(lanes: list[Lane], note: str) -> list[Change]:
    return [Change(lane=str(lane), is_done=True, note=note) for lane in lanes]


def _show(output: Output, changes: list[Change]) -> int:
    output.rows(
        changes, _HEADER, lambda change: ("yes" if change.is_done else "no", change.lane, change.note)
    )
    return 0 if all(change.is_done for change in changes) else _NOT_ALL
