"""Checks of Airflow: from its address to the DAGs of the routes."""

from operate.desk import Desk
from operate.doctor.check import Note
from operate.doctor.clock import compared
from operate.doctor.storage import NOBODY
from operate.errors import DeskError
from shared.airflow.request import Flow, Request
from shared.model.errors import (
    AirflowUnreachable,
    CredentialsRefused,
    DagBroken,
    DagMissing,
    Forbidden,
    RetryableError,
)
from shared.model.run_request import RunRequest, WhenPaused

_ROLES = "docs/security.md has the least role that works."


def address(desk: Desk) -> str:
    """Connect; any answer will do."""
    try:
        _asked(desk)
    except AirflowUnreachable:
        raise
    except RetryableError:
        pass  # It answers; what, is the next checks' question.
    return desk.settings.airflow_base_url


def api(desk: Desk) -> str:
    """Find out which API answers."""
    try:
        return f"API {_asked(desk)}"
    except CredentialsRefused:
        return f"API {desk.airflow.api}"


def _asked(desk: Desk) -> str:
    """Ask which API there is, which takes no log-in; where the settings name it, for its version."""
    if desk.settings.airflow_api != "auto":
        desk.airflow.version()
    return desk.airflow.api


def log_in(desk: Desk) -> str:
    """Ask what only a known user is answered."""
    desk.airflow.check_log_in()
    return f"accepted by Airflow {desk.airflow.version()}"


def clock(desk: Desk) -> str | Note:
    """Ask for the first page, for the time of the answer."""
    return compared(desk.airflow.ask(lambda _: _date()), desk.timing.now(), whose="Airflow")


def reads_runs(desk: Desk) -> str:
    """Look for a run that is not there in each DAG."""
    for dag_id in _dags(desk):
        try:
            desk.airflow.find(dag_id, NOBODY)
        except Forbidden as error:
            msg = f"{error} Allow the role of the app's user to read the runs of {dag_id!a}. {_ROLES}"
            raise DeskError(msg) from None
    return "may read runs (looked for one that is not there)"


def creates_runs(desk: Desk) -> str | Note:
    """Ask for a run of a DAG that is not there: Airflow looks at the role first, and creates nothing."""
    run = RunRequest(dag_id=NOBODY, run_id=NOBODY, conf={}, route="", route_id="")
    try:
        desk.airflow.trigger(run)
    except DagMissing:
        return "may create runs (asked for one of a DAG that is not there)"
    except Forbidden as error:
        held = [
            head.state.lane.dag_id
            for head in desk.outbox.lanes()
            if head.state and head.state.hold and head.state.hold.reason == Forbidden.code
        ]
        if held:
            msg = f"The role of the app's user may not create runs of {', '.join(held)}: {error} {_ROLES}"
            raise DeskError(msg) from None
        return Note(
            text="may not create runs of every DAG. A role for single DAGs need not; whether it is one for "
            f"the DAGs of the routes, only a file tells that is sent. {_ROLES}"
        )
    msg = f"Airflow has created a run of a DAG {NOBODY!a}: do not name a DAG so."
    raise DeskError(msg)


def dags(desk: Desk) -> str | Note:
    """Ask for each DAG of the routes."""
    found = _dags(desk)
    faults = [fault for dag_id in found for fault in [_fault(desk, dag_id)] if fault]
    if faults:
        raise DeskError(" ".join(faults))
    if not found:
        return Note(text="the routes take the names of their DAGs from the files")
    return f"{', '.join(found)}: there, and not paused"


def _dags(desk: Desk) -> list[str]:
    return sorted({dag_id for route in desk.routes.routes for dag_id in route.possible_dag_ids})


def _fault(desk: Desk, dag_id: str) -> str:
    state = desk.airflow.dag(dag_id)
    if state is None:
        missing = DagMissing(f"Airflow has no DAG {dag_id!a}: deploy its file, or correct the route.")
        return str(desk.airflow.explained(missing, dag_id))
    if state.has_import_errors:
        broken = DagBroken(f"The DAG {dag_id!a} has import errors: repair its file.")
        return str(desk.airflow.explained(broken, dag_id))
    if state.is_paused:
        return f"The DAG {dag_id!a} is paused: its runs {_meanwhile(desk, dag_id)} until it is unpaused."
    return ""


def _meanwhile(desk: Desk, dag_id: str) -> str:
    asked = {route.when_paused for route in desk.routes.routes if dag_id in route.possible_dag_ids}
    if asked == {WhenPaused.DROP}:
        return "are dropped"
    return "wait in Airflow" if WhenPaused.QUEUE in asked else "wait in the outbox"


def _date() -> Flow[str]:
    response = yield Request(method="GET", path="")
    return response.date
