"""`blob-to-dag dead`, `dead show`, `dead replay` and `dead drop`."""

from datetime import datetime
from typing import Annotated

import typer

from operate.command import desk_command, desk_list
from operate.commands.options import DryRun, Everything, Prefix, Reason, Route, Who, Yes, who_or_me
from operate.commands.selected import LEFT, act_on
from operate.desk import Desk
from operate.drop import Drop
from operate.items import Detail, Item, details, items, path_of_item
from operate.output import Output, age, printable
from operate.selection import Selection, nothing_selected

HEADER = ("Dead", "Reason", "Lane", "Blob", "Message")
_LABEL_WIDTH = 12


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What can never be delivered: list it, look at it, replay it, drop it.")
    desk_list(group)(dead)
    desk_command(group, "show")(show)
    desk_command(group, "replay", changes=True)(replay)
    desk_command(group, "drop", changes=True)(drop)
    app.add_typer(group, name="dead")


def dead(desk: Desk, output: Output, *, route: Route = "", reason: Reason = "", prefix: Prefix = "") -> int:
    """List the dead letters, lane by lane."""
    selection = Selection(route=route, reason=reason, prefix=prefix)
    now = desk.timing.now()
    count = output.rows(
        items(desk.dead_table, selection, desk.owners), HEADER, lambda item: _cells(item, now)
    )
    if not count:
        output.note(nothing_selected(selection, desk.dead_table))
    return 0


def show(
    desk: Desk,
    output: Output,
    *,
    letter: Annotated[
        str,
        typer.Argument(metavar="CONTAINER/NAME|KEY", help="The blob; the key, where a letter names none."),
    ],
) -> int:
    """Show all that the dead letters of one blob hold: Airflow's words, the conf, the history."""
    count = 0
    for detail in details(desk.dead_table, letter, desk.owners):
        output.show(detail, _detail)
        count += 1
    if not count:
        output.note(f"There is no dead letter of {letter!a}. `blob-to-dag dead` lists what there is.")
        return LEFT
    return 0


def replay(
    desk: Desk,
    output: Output,
    *,
    route: Route = "",
    reason: Reason = "",
    prefix: Prefix = "",
    every: Everything = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    who: Who = "",
) -> int:
    """Send dead letters again, by today's routes; what may have been sent goes to the same DAG again."""
    from operate.replay import Replay  # noqa: PLC0415  (with what reads events, which a list does not need)

    work = Replay.at(desk, who=who_or_me(who))
    output.note(f"Routes from {desk.routes_from}.")
    return act_on(
        output,
        desk.dead_table,
        Selection(route=route, reason=reason, prefix=prefix),
        verb="replay",
        act=work.replay,
        plan=work.dry_run,
        is_all=every,
        dry_run=dry_run,
        yes=yes,
    )


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
    """Settle dead letters without a run, for good."""
    work = Drop.at(desk, who=who_or_me(who), why=why)
    return act_on(
        output,
        desk.dead_table,
        Selection(route=route, reason=reason, prefix=prefix),
        verb="drop",
        act=work.letter,
        plan=work.dry_run,
        is_all=every,
        dry_run=dry_run,
        yes=yes,
    )


def _cells(item: Item, now: datetime) -> tuple[str, ...]:
    return age(item.since, now), item.reason, item.lane, path_of_item(item), item.message


def _detail(detail: Detail) -> str:
    item = detail.item
    facts = {
        "Blob": item.path,
        "ETag": item.etag,
        "Event time": item.event_time,
        "Route": item.route,
        "Owner": item.owner,
        "DAG": item.dag_id,
        "Run id": item.run_id,
        "Died": item.since,
        "Reason": item.reason,
        "Message": item.message,
        "History": detail.history,
        "Sent to": ", ".join(
            f"{target.get('dag_id')} of {target.get('airflow')}" for target in detail.sent_to
        ),
        "conf": detail.conf,
        "Source": item.source,
        "Where": item.where,
        "Bytes": detail.body,
        "Row": f"{item.partition} / {item.key}",
    }
    given = ((name, printable(str(value))) for name, value in facts.items() if value)
    return "\n".join(f"{name:<{_LABEL_WIDTH}}{text}" for name, text in given)
