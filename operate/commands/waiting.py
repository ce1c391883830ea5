"""`blob-to-dag waiting`, `waiting retry` and `waiting drop`."""

from datetime import datetime
from typing import Annotated

import typer

from operate.command import desk_command, desk_list
from operate.commands.options import DryRun, Everything, Prefix, Reason, Route, Who, Yes, who_or_me
from operate.commands.selected import act_on
from operate.desk import Desk
from operate.drop import Drop
from operate.items import Item, items, path_of_item
from operate.output import Output, age, span
from operate.retry import Retry
from operate.selection import Selection, nothing_selected

HEADER = ("Waits", "Due", "Reason", "Lane", "Blob")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What waits: list it, try it at once, drop it.")
    desk_list(group)(waiting)
    desk_command(group, "retry", changes=True)(retry)
    desk_command(group, "drop", changes=True)(drop)
    app.add_typer(group, name="waiting")


def waiting(
    desk: Desk, output: Output, *, route: Route = "", reason: Reason = "", prefix: Prefix = ""
) -> int:
    """List what waits, lane by lane, oldest event first."""
    selection = Selection(route=route, reason=reason, prefix=prefix)
    now = desk.timing.now()
    count = output.rows(
        items(desk.outbox_table, selection, desk.owners), HEADER, lambda item: _cells(item, now)
    )
    if not count:
        output.note(nothing_selected(selection, desk.outbox_table))
    return 0


def retry(
    desk: Desk,
    output: Output,
    *,
    route: Route = "",
    reason: Reason = "",
    prefix: Prefix = "",
    every: Everything = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Make rows due at once and end the app's own holds that keep them. A person's hold stays."""
    work = Retry.at(desk)
    status = act_on(
        output,
        desk.outbox_table,
        Selection(route=route, reason=reason, prefix=prefix),
        verb="retry",
        act=work.row,
        plan=work.dry_run,
        run=work.run,
        is_all=every,
        dry_run=dry_run,
        yes=yes,
    )
    if not dry_run and (held := work.held()):
        output.note(held)
    return status


def drop(
    desk: Desk,
    output: Output,
    *,
    why: Annotated[str, typer.Option("--why", help="Why nothing is to run for them.")],
    route: Route = "",
    reason: Reason = "",
    prefix: Prefix = "",
    every: Everything = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    who: Who = "",
) -> int:
    """Settle what waits without a run, for good."""
    work = Drop.at(desk, who=who_or_me(who), why=why)
    return act_on(
        output,
        desk.outbox_table,
        Selection(route=route, reason=reason, prefix=prefix),
        verb="drop",
        act=work.row,
        plan=work.dry_run,
        is_all=every,
        dry_run=dry_run,
        yes=yes,
    )


def _cells(item: Item, now: datetime) -> tuple[str, ...]:
    is_later = item.due is not None and item.due > now
    due = f"in {span(item.due - now)}" if item.due and is_later else "now"
    return age(item.since, now), due, item.reason, item.lane, path_of_item(item)
