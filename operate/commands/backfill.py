"""`blob-to-dag backfill`."""

from collections.abc import Iterator
from typing import Annotated

import typer

from operate.backfill import Backfill, moment
from operate.command import desk_command
from operate.commands.options import DryRun, Who, Yes, who_or_me
from operate.desk import Desk
from operate.errors import DeskError
from operate.output import Output
from shared.jobs.missing import Judged, Verdict, Window

_HEADER = ("What", "Lane", "Blob", "Run id")


def register(app: typer.Typer) -> None:
    """Add the command."""
    desk_command(app, "backfill", changes=True)(backfill)


def backfill(
    desk: Desk,
    output: Output,
    *,
    path: Annotated[str, typer.Argument(metavar="CONTAINER/PREFIX", help="Which files.")],
    since: Annotated[
        str, typer.Option("--since", help="Written since: 2026-11-20, or 7d ago.")
    ] = "1970-01-01",
    until: Annotated[str, typer.Option("--until", help="Written before: as --since.")] = "0m",
    changed: Annotated[
        bool, typer.Option("--changed", help="Also files of which another version has a run.")
    ] = False,
    per_minute: Annotated[
        int, typer.Option("--per-minute", min=1, help="How many runs to ask for in a minute.")
    ] = 300,
    dry_run: DryRun = False,
    yes: Yes = False,
    who: Who = "",
) -> int:
    """Send the files that are there and have no run, through the outbox, at a pace.

    Repeated, it goes on where it was stopped. Files of which another version has a run (overwritten, or only
    metadata written) are listed, and sent with --changed.
    """
    now = desk.timing.now()
    window = Window(since=moment(since, now, option="--since"), until=moment(until, now, option="--until"))
    if window.since >= window.until:
        msg = "--since must be before --until."
        raise DeskError(msg)
    work = Backfill(desk=desk, path=path, window=window, changed=changed, who=who_or_me(who))
    work.check()
    output.note(f"Routes from {desk.routes_from}.")
    if not dry_run:
        output.confirm(f"Send what has no run below {path}?", yes=yes)
    with output.progress("rows and runs", None) as step:
        known = work.known(step)
    done = "would be sent; nothing was changed" if dry_run else "sent"
    telling = output.telling(lambda: f"Stopped: at least {work.sent} {done}.")
    with telling, output.progress("blobs", None) as step:
        planned = work.plan(known, step)
        output.rows(planned if dry_run else _sent(desk, work, planned, per_minute), _HEADER, _cells)
    count = work.counts
    left = "" if changed or not count[Verdict.CHANGED] else " (--changed sends them)"
    output.note(
        f"{work.sent} {done}. {count[Verdict.CHANGED]} changed{left}, {count[Verdict.KNOWN]} have a run, "
        "wait, are dead or were dropped."
    )
    return 0


def _sent(desk: Desk, work: Backfill, planned: Iterator[Judged], per_minute: int) -> Iterator[Judged]:
    for judged in planned:
        if work.sends(judged):
            work.send(judged)
        yield judged
        if work.sends(judged):
            desk.timing.sleep(60 / per_minute)


def _cells(judged: Judged) -> tuple[str, ...]:
    pending = judged.pending
    return judged.verdict.value, str(pending.lane), pending.path, pending.run_id or ""
