"""`blob-to-dag runs` and `blob-to-dag dags`."""

from itertools import islice
from typing import Annotated

import typer

from operate.command import ATTENTION, desk_command
from operate.desk import Desk
from operate.output import Output, age
from operate.runs import DagLine, Listed, dags, list_of, wait_for

_NO_CONF = (
    "Airflow 1.10 lists runs without their conf, all at once: it does not tell which route started one."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    desk_command(app, "runs")(runs)
    desk_command(app, "dags")(show_dags)


def runs(
    desk: Desk,
    output: Output,
    *,
    name: Annotated[str, typer.Argument(metavar="ROUTE|DAG", help="A route, or a DAG.")],
    state: Annotated[str, typer.Option("--state", help="queued, running, success or failed.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also runs that the route did not start.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many; 0 for all.")] = 100,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until none is queued or running.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="How many seconds to wait.")] = 3_600.0,
) -> int:
    """List the runs of a route or a DAG, the last one first.

    Exit status with --wait: 3 if some are still queued or running at its end.
    """
    if not desk.airflow.lists_conf:
        output.note(_NO_CONF)
    is_done = True
    if wait:
        is_done = wait_for(
            desk, name, lambda left: output.note(f"{left} queued or running"), timeout_seconds=timeout
        )
    now = desk.timing.now()
    found = list_of(desk, name, state=state, every=every)
    header = ("State", "Started", "Run id", "File", "Page")
    count = output.rows(
        islice(found, limit) if limit else found,
        header,
        lambda run: (run.state, f"{age(run.started, now)} ago" if run.started else "", *_cells(run)),
    )
    if not count:
        output.note(f"{name} has no run{f' that is {state}' if state else ''} in Airflow.")
    elif count == limit:
        output.note(f"The last {limit}; --limit 0 lists all.")
    return 0 if is_done else ATTENTION


def show_dags(
    desk: Desk,
    output: Output,
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only DAGs of the routes, and files that cannot be imported."),
    ] = False,
) -> int:
    """List the DAGs of Airflow and the routes that start them.

    Exit status: 3 if the DAG of a route is missing or broken.
    """
    worst = 0

    def cells(line: DagLine) -> tuple[str, ...]:
        nonlocal worst
        if line.routes and line.state in {"missing", "broken"}:
            worst = ATTENTION
        return line.dag_id, line.state, ", ".join(line.routes), line.why

    lines = list(dags(desk, check=check))
    output.rows(lines, ("DAG", "State", "Routes", "Why"), cells)
    if output.is_json:
        for line in lines:
            cells(line)
    if desk.airflow.api == "experimental":
        output.note("Airflow 1.10 lists only DAGs that ever ran, and no import errors.")
    return worst


def _cells(run: Listed) -> tuple[str, ...]:
    return run.run_id, run.file, run.link
