"""The runs of a route or a DAG, and the DAGs of an app, as lists for people."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from operate.desk import Desk
from operate.errors import DeskError
from operate.trace import link_of
from shared.airflow.dialects.base import ImportFault, RunFacts
from shared.airflow.run_list import list_runs
from shared.model.blob_event import account_from_url
from shared.model.errors import Forbidden
from shared.model.run_id import PREFIX, digest_in, identity_digest
from shared.routes.route import Route

STATES = ("queued", "running", "success", "failed")
_POLL_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A run in a list.

    Attributes:
        file: `container/name`, where the conf says so.
        link: Its page in Airflow.
    """

    state: str
    dag_id: str
    run_id: str
    started: datetime | None
    file: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DagLine:
    """A DAG: what Airflow says of it, and the routes that start it.

    Attributes:
        state: `ready`, `paused`, `broken`, `missing`.
        why: What a person can do about it.
    """

    dag_id: str
    state: str
    routes: tuple[str, ...]
    why: str = ""


def list_of(desk: Desk, name: str, *, state: str, every: bool) -> Iterator[Listed]:
    """Yield the runs of a route, or of a DAG, from the last one.

    Args:
        desk: The app.
        name: Name or id of a route; a DAG where there is no such route.
        state: Only these.
        every: Of a route's DAGs also runs that the route did not start.

    Raises:
        DeskError: There is neither a route nor a DAG of this name, or no such state.
    """
    if state and state not in STATES:
        msg = f"--state must be one of {', '.join(STATES)}, not {state!a}."
        raise DeskError(msg)
    route = next((route for route in desk.routes.routes if name in (route.id, route.name)), None)
    if route is None and desk.airflow.dag(name) is None:
        routes = ", ".join(route.name for route in desk.routes.routes)
        msg = f"There is neither a route nor a DAG {name!a}. Routes: {routes}; `blob-to-dag dags` lists DAGs."
        raise DeskError(msg)
    if route and not route.possible_dag_ids:
        msg = f"The route {route.name!a} is an exception: it starts nothing."
        raise DeskError(msg)
    prefix = PREFIX if route and not every else ""
    for dag_id in sorted(route.possible_dag_ids) if route else [name]:
        for run in list_runs(desk.airflow.ask, dag_id, state=state, prefix=prefix):
            conf = run.conf or {}
            if route and not every and run.conf is not None and not _is_of(desk, route, run):
                continue
            container, file = conf.get("container"), conf.get("filename")
            yield Listed(
                state=run.state,
                dag_id=run.dag_id,
                run_id=run.run_id,
                started=run.started,
                file=f"{container}/{file}" if container and file else "",
                link=link_of(desk, run),
            )


def _is_of(desk: Desk, route: Route, run: RunFacts) -> bool:
    """Tell whether a route started a run, also under a name that it had before."""
    conf = run.conf or {}
    container, name, etag = (str(conf.get(key)) for key in ("container", "filename", "etag"))
    account = account_from_url(desk.settings.landing.blob_url)
    ours = identity_digest(account=account, container=container, name=name, etag=etag, route=route.id)
    return conf.get("route") == route.name or digest_in(run.run_id) == ours


def wait_for(desk: Desk, name: str, say: Callable[[int], None], *, timeout_seconds: float) -> bool:
    """Wait until no run of a route or a DAG is queued or running; tell whether that came to be."""
    end = time.monotonic() + timeout_seconds
    while True:
        left = sum(
            1 for state in ("queued", "running") for _ in list_of(desk, name, state=state, every=False)
        )
        say(left)
        if not left:
            return True
        if time.monotonic() >= end:
            return False
        desk.timing.sleep(_POLL_SECONDS)


def dags(desk: Desk, *, check: bool) -> Iterator[DagLine]:
    """Yield the DAGs of the routes, missing ones too; and without `check` all others of Airflow."""
    by_dag: dict[str, list[str]] = {}
    for route in desk.routes.routes:
        for dag_id in route.possible_dag_ids:
            by_dag.setdefault(dag_id, []).append(route.name)
    known = (
        {dag_id: desk.airflow.dag(dag_id) for dag_id in by_dag}
        if check
        else desk.airflow.ask(lambda dialect: dialect.dags())
    )
    faults = _import_faults(desk) if check else []
    for dag_id in sorted({*by_dag, *known}):
        state, routes = known.get(dag_id), tuple(by_dag.get(dag_id, ()))
        if state is None:
            why = "its file is not there, or cannot be imported"
            yield DagLine(dag_id=dag_id, state="missing", routes=routes, why=why)
        elif state.has_import_errors:
            texts = [
                fault.text.strip().splitlines()[-1] for fault in faults if fault.file.endswith(state.file)
            ]
            yield DagLine(dag_id=dag_id, state="broken", routes=routes, why=(texts or ["import errors"])[0])
        elif state.is_paused:
            yield DagLine(
                dag_id=dag_id, state="paused", routes=routes, why="its runs wait until it is unpaused"
            )
        else:
            yield DagLine(dag_id=dag_id, state="ready", routes=routes)
    for fault in faults:
        lines = fault.text.strip().splitlines()
        yield DagLine(dag_id=fault.file, state="broken", routes=(), why=lines[-1] if lines else "")


def _import_faults(desk: Desk) -> list[ImportFault]:
    try:
        return desk.airflow.import_faults()
    except Forbidden:
        # The least role that starts runs may not see them; the states of the DAGs tell the rest.
        return []
