"""`blob-to-dag trace`."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

import typer

from operate.command import ATTENTION, UNKNOWN, desk_command
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


def rendered(found: Trace, now: datetime) -> str:
    """Return the story as a person reads it; no line is broken, for a run's page is one."""
    lines = (
        f"{'' if number else label:<{_LABEL_WIDTH}}{printable(line)}"
        for label, texts in _facts(found, now)
        for number, line in enumerate(texts)
    )
    return "\n".join(lines)


def _facts(found: Trace, now: datetime) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield labels, each with its lines; a line break in a name makes no line of its own."""
    yield "File", [found.path]
    blob = found.blob
    if blob:
        changed = f"{blob.event_time.isoformat()}, {age(blob.event_time, now)} ago"
        yield "Now", [f"{blob.size} bytes, ETag {blob.etag}, written {changed}"]
    for version in found.versions:
        mark = " (current)" if version.is_current else ""
        yield "Version", [f"{version.version_id}, ETag {version.etag}{mark}"]
    if found.routes:
        yield "Routes", found.routes
    for run in found.runs:
        yield "Run" if run.is_wanted else "Other run", _run(run)
    for title, rows in (("Waiting", found.waiting), ("Dead", found.dead)):
        for row in rows:
            yield title, _row(row, now)
    for route_id, claim in found.settled.items():
        who = claim.get("who") or claim.get("run_id") or ""
        yield "Settled", [f"{route_id}: {claim.get('reason')}, {who} {claim.get('why') or ''}"]
    for step in found.next_steps:
        yield "Next", [step]
    for part, why in found.faults.items():
        yield f"! {part}", [why]


def _run(run: Run) -> list[str]:
    if not run.state:
        return [f"none yet: {run.run_id} of {run.dag_id}"]
    return [f"{run.state}: {run.run_id} of {run.dag_id}", run.link]


def _row(row: Detail, now: datetime) -> list[str]:
    item = row.item
    history = ", ".join(f"{reason} {failures['count']} times" for reason, failures in row.history.items())
    why = f"{item.reason}: {item.message}"
    said = f"{item.lane}, ETag {item.etag or 'unknown'}, for {age(item.since, now)}: {why}"
    return [said, history] if history else [said]
