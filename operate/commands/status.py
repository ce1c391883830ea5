"""`blob-to-dag status`."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from operate.command import ATTENTION, UNKNOWN, desk_command
from operate.desk import Desk
from operate.output import Output, age, printable
from operate.status import AirflowStatus, LaneStatus, Status, Tally, lane_name, look
from shared.model.hold import LaneState


def register(app: typer.Typer) -> None:
    """Add the command."""
    desk_command(app, "status")(status)


def status(
    desk: Desk,
    output: Output,
    *,
    exact: Annotated[
        bool, typer.Option("--exact", help="Count every row, not only the first thousand of each lane.")
    ] = False,
) -> int:
    """Show what waits, what is on hold, what is dead, and whether Airflow answers.

    Exit status: 0 all is well, 3 something is dead or on hold, 4 a part could not be asked.
    """
    found = look(desk, exact=exact)
    now = desk.timing.now()
    output.show(found, lambda value: rendered(value, now))
    if found.faults:
        return UNKNOWN
    return ATTENTION if found.needs_attention else 0


def rendered(found: Status, now: datetime) -> RenderableType:
    """Return the status as a person reads it."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("App", _text(found.app))
    if found.routes is not None:
        facts.add_row("Routes", _text(f"{', '.join(found.routes)} (from {found.routes_from})"))
    if found.airflow:
        facts.add_row("Airflow", _text(_airflow(found.airflow)))
    if found.vault is not None:
        facts.add_row("Vault", _text(found.vault or "none: the log-in is in the settings"))
    if found.everything and found.everything.is_held:
        facts.add_row("On hold", _text(f"everything: {_hold(found.everything, now)}"))
    if found.lanes is not None:
        facts.add_row("Waiting", _text(_waiting(found.lanes)))
    if found.dead is not None:
        facts.add_row("Dead", _text(_tally(found.dead, now) or "nothing"))
    for part, why in found.faults.items():
        facts.add_row(f"! {part}", _text(why))
    return Group(facts, *([_lanes(found.lanes, now)] if found.lanes else []))


def _lanes(lanes: tuple[LaneStatus, ...], now: datetime) -> Table:
    table = Table("Lane", "Waits", "Oldest", "Reasons", "Hold", box=None, padding=(1, 2, 0, 0))
    for lane in lanes:
        counted = lane.waiting
        table.add_row(
            _text(lane_name(lane)),
            _count(counted),
            age(counted.oldest, now),
            _text(_reasons(counted)),
            _text(_hold(lane.state, now) if lane.state else ""),
        )
    return table


def _airflow(airflow: AirflowStatus) -> str:
    if not airflow.is_logged_in:
        return f"{airflow.address} (see below)"
    return f"{airflow.version} at {airflow.address}, API {airflow.api}, logged in"


def _waiting(lanes: tuple[LaneStatus, ...]) -> str:
    filled = [lane.waiting for lane in lanes if lane.waiting.count]
    more = " or more" if any(waiting.is_more for waiting in filled) else ""
    count = sum(waiting.count for waiting in filled)
    return f"{count}{more} in {len(filled)} lane{'s' * (len(filled) != 1)}" if filled else "nothing"


def _hold(state: LaneState, now: datetime) -> str:
    said = []
    if state.person:
        said.append(f"by {state.person.who} for {age(state.person.since, now)}: {state.person.why}")
    if state.hold:
        wait = max(0, int((state.hold.next_probe - now).total_seconds()))
        since = age(state.hold.since, now)
        owner = f", owner {state.hold.owner}" if state.hold.owner else ""
        said.append(f"{state.hold.reason} for {since}, next try in {wait}s{owner}: {state.hold.message}")
    if state.moving_since:
        said.append(f"moving to another DAG for {age(state.moving_since, now)}")
    return "; ".join(said)


def _tally(counted: Tally, now: datetime) -> str:
    if not counted.count:
        return ""
    return f"{_count(counted)}, the oldest for {age(counted.oldest, now)}: {_reasons(counted)}"


def _count(counted: Tally) -> str:
    return f"{counted.count}{' or more' if counted.is_more else ''}"


def _reasons(counted: Tally) -> str:
    return ", ".join(f"{reason or 'new'} {count}" for reason, count in sorted(counted.reasons.items()))


def _text(text: str) -> Text:
    return Text(printable(text))
