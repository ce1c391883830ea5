"""`blob-to-dag trigger`."""

from typing import Annotated

import typer

from operate.command import FAILED, desk_command
from operate.commands.options import DryRun, Who, who_or_me
from operate.desk import Desk
from operate.errors import DeskError
from operate.output import Output
from operate.trigger import faults_of, read_conf, request_by_hand
from shared.airflow.client import Delivery
from shared.model.errors import RetryableError


def register(app: typer.Typer) -> None:
    """Add the command."""
    desk_command(app, "trigger")(trigger)


def trigger(
    desk: Desk,
    output: Output,
    *,
    dag_id: Annotated[str, typer.Argument(metavar="DAG", help="The DAG.")],
    conf: Annotated[str, typer.Option("--conf", metavar="JSON", help="Its dag_run.conf.")] = "{}",
    run_id: Annotated[
        str, typer.Option("--run-id", help="Its id; the same one again makes no second run.")
    ] = "",
    paused: Annotated[bool, typer.Option("--paused", help="Also while the DAG is paused.")] = False,
    dry_run: DryRun = False,
    who: Who = "",
) -> int:
    """Start a run by hand with a conf of your own, once all that can be checked before is right."""
    run = request_by_hand(dag_id, read_conf(conf), run_id=run_id, who=who_or_me(who), now=desk.timing.now())
    faults = faults_of(desk, run, allow_paused=paused)
    for fault in faults:
        output.note(f"error: {fault}")
    if faults:
        return FAILED
    if desk.airflow.api == "experimental":
        output.note("Airflow 1.10 tells no params: whether the conf fits the DAG shows in the run.")
    if dry_run:
        output.note(f"Would start {run.run_id} of {dag_id}. Nothing was changed.")
        return 0
    try:
        is_new = desk.airflow.trigger(run) is Delivery.CREATED
    except (RetryableError, KeyboardInterrupt) as error:
        if isinstance(error, RetryableError) and not error.may_have_been_sent:
            raise
        said = str(error) or "Interrupted."
        msg = f"{said} The run may be there all the same: repeat this with --run-id {run.run_id}."
        raise DeskError(msg) from error
    said = "started" if is_new else "was there already"
    output.show(
        {"dag_id": dag_id, "run_id": run.run_id, "is_new": is_new},
        lambda _: f"{run.run_id} of {dag_id} {said}. `blob-to-dag runs {dag_id} --wait` follows it.",
    )
    return 0
