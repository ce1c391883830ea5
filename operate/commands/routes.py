"""`blob-to-dag routes`: check, explain, compare and push the routes."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, cast

import typer

from operate.command import ATTENTION, FAILED, desk_command
from operate.commands.options import DryRun, Yes
from operate.desk import Desk
from operate.errors import DeskError
from operate.output import Output
from operate.pushed_routes import PushedRoutes
from operate.routes_diff import Difference, differences, files_there
from shared.config.load import read_table
from shared.config.parsers import duration
from shared.routes.blobs import Blobs
from shared.routes.report import check_report, explain_report
from shared.routes.table import RouteTable

File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Those of the app if not given.")]
Strict = Annotated[bool, typer.Option("--strict", help="A warning is a fault.")]
Since = Annotated[str, typer.Option("--since", help="Only files modified in this time, such as 7d or 12h.")]
Prefix = Annotated[str, typer.Option("--prefix", help="Only files whose container/name begins so.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The routes: check, explain, compare, push.", no_args_is_help=True)
    desk_command(group, "check")(check)
    desk_command(group, "explain")(explain)
    desk_command(group, "diff")(diff)
    desk_command(group, "push")(push)
    app.add_typer(group, name="routes")


def check(desk: Desk, output: Output, *, file: File = None, strict: Strict = False) -> int:
    """Name every fault and warning of the routes, and run their tests."""
    table = _table(desk, file)
    lines, is_good = check_report(table, _watched(desk, table), strict=strict)
    output.lines(lines)
    return 0 if is_good else FAILED


def explain(
    desk: Desk,
    output: Output,
    *,
    blob: Annotated[str, typer.Argument(help="container/name, or the address of a blob.")],
    size: Annotated[int, typer.Option("--size", min=0, help="Bytes.")] = 1,
) -> int:
    """Say what a blob would start, and why no more."""
    event = Blobs(now=desk.timing.now()).event(blob, size=size)
    lines, fires = explain_report(desk.routes, event, _watched(desk, desk.routes))
    output.lines(lines)
    return 0 if fires else ATTENTION


def diff(
    desk: Desk,
    output: Output,
    *,
    old: Annotated[Path, typer.Argument(help="A file; or the only one, to compare with the app's routes.")],
    new: Annotated[Path | None, typer.Argument(metavar="[NEW]", help="Another file.")] = None,
    prefix: Prefix = "",
    since: Since = "7d",
) -> int:
    """Say which of the files that are really there other routes would send elsewhere."""
    before = _table(desk, old if new else None)
    _show_differences(desk, output, before, _table(desk, new or old), prefix=prefix, since=since)
    return 0


def push(
    desk: Desk,
    output: Output,
    *,
    file: Annotated[Path, typer.Argument(help="The new routes.")],
    strict: Strict = False,
    since: Since = "7d",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Check the routes, show what changes for the files of last week, and put them where the app reads them.

    Nothing is overwritten that somebody else has pushed meanwhile.
    """
    pushed = PushedRoutes(desk)
    now = pushed.read()
    new = _table(desk, file)
    lines, is_good = check_report(new, _watched(desk, new), strict=strict)
    output.lines(lines)
    if not is_good:
        output.note("Nothing was pushed.")
        return FAILED
    if now is None:
        output.note(f"There are no routes in {pushed.path} yet: every file is new to them.")
    else:
        # Routes that the app refuses now can be replaced, too.
        old = pushed.table(now)
        if old:
            _show_differences(desk, output, old, new, prefix="", since=since)
    if dry_run:
        return 0
    output.confirm(f"Push {file} to {pushed.path} of {desk.origin.title}?", yes=yes)
    pushed.write(_text(file), now)
    output.note("Pushed. Every instance reads it within a minute (log event `routes.loaded`).")
    return 0


def _table(desk: Desk, file: Path | None) -> RouteTable:
    return desk.routes if file is None else read_table(desk.settings, _text(file), origin=file.name)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        msg = f"{file} cannot be read ({type(error).__name__})."
        raise DeskError(msg) from error


def _watched(desk: Desk, table: RouteTable) -> tuple[str, ...]:
    return table.watch or (desk.settings.bindings.container,)


def _show_differences(
    desk: Desk, output: Output, old: RouteTable, new: RouteTable, *, prefix: str, since: str
) -> None:
    sides = (old, _watched(desk, old)), (new, _watched(desk, new))
    containers = sorted({*sides[0][1], *sides[1][1]})
    try:
        age = cast("timedelta", duration(timedelta(minutes=1))(since))
    except ValueError as error:
        msg = f"--since {since} {error}."
        raise DeskError(msg) from None
    events = files_there(desk, containers, prefix=prefix, since=desk.timing.now() - age)
    files, found = differences(*sides, events)
    output.rows(found, ("Files", "Now", "Then", "Example"), _cells)
    changed = sum(each.count for each in found)
    output.note(f"{changed:,} of {files:,} files of the last {since} would go elsewhere.")


def _cells(each: Difference) -> tuple[str, ...]:
    return f"{each.count:,}", "; ".join(each.before), "; ".join(each.after), each.example
