"""`blob-to-dag trace`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from operate.command import desk_command
from operate.commands.status import ATTENTION, UNKNOWN
from operate.desk import Desk
from operate.items import Detail
from operate.output import Output, age, printable
from operate.trace import Run, Trace, trace

Path = Annotated[str, typer.Argument(metavar="CONTAINER/NAME", help="The file, exactly as it is called.")]

_LABEL_WIDTH = 16


def register(app: typer.Typer) -> None:
    """Add the command."""
    desk_command(app, "trace")(show)


def show(desk: Desk, output: Output, *, path: Path) -> int:
    """Tell the whole story of one file: blob, routes, runs, what waits or is dead, and what to do.

    Exit status: 0 all its runs are there, 3 something is to be done, 4 a part could not be asked.
    """
    found = trace(desk, path)
    now = desk.timing.now()
    output.show(found, lambda value: rendered(value, now))
    if found.faults:
        return UNKNOWN
    return ATTENTION if found.needs_attention else 0


def rendered(found: Trace, now: datetime) -> RenderableType:
    """Return the story as a person reads it; no line is broken, for a run's page is one."""
    lines = list(_facts(found, now))
    return Text("\n".join(line for label, text in lines for line in _labelled(label, printable(text))))


def _labelled(label: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.split("\n")):
        yield f"{'' if number else label:<{_LABEL_WIDTH}}{line}"


def _facts(found: Trace, now: datetime) -> Iterator[tuple[str, str]]:
    yield "File", found.path
    blob = found.blob
    if blob:
        changed = f"{blob.event_time.isoformat()}, {age(blob.event_time, now)} ago"
        yield "Now", f"{blob.size} bytes, ETag {blob.etag}, written {changed}"
    for version in found.versions:
        mark = " (current)" if version.is_current else ""
        yield "Version", f"{version.version_id}, ETag {version.etag}{mark}"
    if found.routes:
        yield "Routes", "\n".join(found.routes)
    for run in found.runs:
        yield "Run" if run.is_wanted else "Other run", _run(run)
    for title, rows in (("Waiting", found.waiting), ("Dead", found.dead)):
        for row in rows:
            yield title, _row(row, now)
    for route_id, claim in found.settled.items():
        who = claim.get("who") or claim.get("run_id") or ""
        yield "Settled", f"{route_id}: {claim.get('reason')}, {who} {claim.get('why') or ''}"
    for step in found.next_steps:
        yield "Next", step
    for part, why in found.faults.items():
        yield f"! {part}", why


def _run(run: Run) -> str:
    if not run.state:
        return f"none yet: {run.run_id} of {run.dag_id}"
    return f"{run.state}: {run.run_id} of {run.dag_id}\n{run.link}"


def _row(row: Detail, now: datetime) -> str:
    item = row.item
    lane = f"{item.route} -> {item.dag_id}" if item.route else "no route yet"
    history = ", ".join(f"{reason} {failures['count']} times" for reason, failures in row.history.items())
    said = f"{lane}, ETag {item.etag or 'unknown'}, for {age(item.since, now)}: {item.reason}: {item.message}"
    return f"{said}\n{history}" if history else said
