"""`Trace`: the whole story of one file."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from operate.advice import EXPECTED, READ_BLOBS, READ_TABLES, explained
from operate.desk import Desk
from operate.files import look_at, no_such_file, pending_of, requests_of, split, verdicts_on
from operate.items import Detail, details
from shared.airflow.dialects.base import RunFacts
from shared.airflow.run_list import ALL_DAGS, list_runs
from shared.model.blob_event import BlobEvent
from shared.model.errors import BatchOpen
from shared.model.run_id import run_id_prefix
from shared.model.run_request import RunRequest
from shared.routes.explanation import explanation
from shared.storage.tables import Entity, Table

_MOST_RUNS = 20
_MOST_READ = 500
"""Runs of each DAG that are read where Airflow cannot look for the beginning of a run id."""

_MOST_VERSIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version that storage has kept."""

    version_id: str
    etag: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of the file: its state in Airflow, empty where it has none, and the page that shows it."""

    run_id: str
    dag_id: str
    state: str
    started: datetime | None = None
    link: str
    note: str
    is_wanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What could be found out, and what could not.

    Attributes:
        path: The file.
        blob: As it is now; None where there is none.
        versions: The last ones that storage has kept; empty where it keeps none.
        routes: What each route says and why.
        runs: Those that the routes want for the blob as it is now, and the last others of this name.
        waiting: Its rows in the outbox.
        dead: Its dead letters.
        settled: Claims on it as it is now, by the id of the route.
        next_steps: What to do.
        faults: By part, why it could not be asked.
        needs_attention: Whether a run that is wanted is not there, or has failed.
    """

    path: str
    blob: BlobEvent | None
    versions: tuple[Version, ...]
    routes: tuple[str, ...]
    runs: tuple[Run, ...]
    waiting: tuple[Detail, ...]
    dead: tuple[Detail, ...]
    settled: Mapping[str, Entity]
    next_steps: tuple[str, ...]
    faults: Mapping[str, str]
    needs_attention: bool


def trace(desk: Desk, path: str) -> Trace:
    """Ask every part for itself; raises DeskError for what can be no name, and Misconfigured."""
    faults: dict[str, str] = {}

    def ask[T](part: str, question: Callable[[], T], role: str = READ_TABLES) -> T | None:
        try:
            return question()
        except EXPECTED as error:
            faults[part] = explained(error, desk, role=role)
            return None

    split(desk, path)
    blob = ask("storage", lambda: look_at(desk, path))
    verdicts = (ask("routes", lambda: verdicts_on(desk, blob)) if blob else None) or []
    requests = requests_of(blob, verdicts) if blob else []
    settled = ask("settled", lambda: _claims(desk, blob, requests) if blob else {}) or {}
    requests = [_of_batch(request, settled.get(request.route_id)) for request in requests]
    batches = {request.run_id for request in requests if request.batch is not None}
    runs = ask("airflow", lambda: tuple(_runs(desk, path, requests))) or ()

    def rows(table: Table) -> tuple[Detail, ...]:
        return tuple(details(table, path, desk.owners, run_ids=batches))

    waiting = ask("outbox", lambda: rows(desk.outbox_table)) or ()
    dead = ask("dead letters", lambda: rows(desk.dead_table)) or ()
    steps = list(_steps(path, requests, runs, waiting, dead, settled))
    if blob is None and "storage" not in faults:
        steps = [no_such_file(desk, path)]
    elif blob and not requests and "routes" not in faults:
        steps = ["No route wants it as it is. To change that, edit the routes, then `send` it."]
    versions = ask("versions", lambda: tuple(_versions(desk, path)), READ_BLOBS) if blob else None
    return Trace(
        path=path,
        blob=blob,
        versions=versions or (),
        routes=tuple(explanation(desk.routes, blob, verdicts)) if blob and verdicts else (),
        runs=runs,
        waiting=waiting,
        dead=dead,
        settled=settled,
        next_steps=tuple(steps),
        faults=faults,
        needs_attention=bool(steps),
    )


def _runs(desk: Desk, path: str, requests: Sequence[RunRequest]) -> Iterator[Run]:
    """Yield the runs that are wanted, and the last others of the file."""
    airflow = desk.airflow
    for request in requests:
        facts = airflow.ask(lambda dialect, run=request: dialect.find(run.dag_id, run.run_id))  # type: ignore[misc]
        yield _run(desk, facts) if facts else _no_run(request)
    wanted = {request.run_id for request in requests}
    prefix = run_id_prefix(path.partition("/")[2])
    if airflow.api == "v2":
        found = list_runs(airflow.ask, ALL_DAGS, prefix=prefix)
    else:
        found = (
            run
            for dag_id in sorted({request.dag_id for request in requests})
            for run in islice(list_runs(airflow.ask, dag_id), _MOST_READ)
            if run.run_id.startswith(prefix)
        )
    others = (run for run in found if run.run_id not in wanted)
    yield from (_run(desk, run, is_wanted=False) for run in islice(others, _MOST_RUNS))


def link_of(desk: Desk, run: RunFacts) -> str:
    """Return the address of a run's page."""
    return f"{desk.settings.airflow_base_url}{run.page}"


def _run(desk: Desk, facts: RunFacts, *, is_wanted: bool = True) -> Run:
    return Run(
        run_id=facts.run_id,
        dag_id=facts.dag_id,
        state=facts.state,
        started=facts.started,
        link=link_of(desk, facts),
        note=facts.note,
        is_wanted=is_wanted,
    )


def _no_run(request: RunRequest) -> Run:
    return Run(run_id=request.run_id, dag_id=request.dag_id, state="", link="", note="", is_wanted=True)


def _claims(desk: Desk, blob: BlobEvent, requests: Sequence[RunRequest]) -> dict[str, Entity]:
    found = {run.route_id: desk.settled.find(blob, pending_of(blob, run).lane) for run in requests}
    return {route_id: claim for route_id, claim in found.items() if claim}


def _of_batch(request: RunRequest, claim: Entity | None) -> RunRequest:
    """Return the run of the batch that the file is in; until it is in one, what it waits as."""
    run_id = claim.get("run_id") if claim else None
    return replace(request, run_id=str(run_id)) if run_id else request


def _versions(desk: Desk, path: str) -> Iterator[Version]:
    container, name = split(desk, path)
    listed = desk.landing.blobs.get_container_client(container).list_blobs(
        name_starts_with=name, include=["versions"]
    )
    same = (item for item in islice(listed, 1_000) if item.name == name and item.version_id)
    for item in islice(sorted(same, key=lambda item: str(item.version_id), reverse=True), _MOST_VERSIONS):
        yield Version(
            version_id=str(item.version_id),
            etag=str(item.etag).strip('"'),
            is_current=bool(item.is_current_version),
        )


def _steps(
    path: str,
    requests: Sequence[RunRequest],
    runs: Sequence[Run],
    waiting: Sequence[Detail],
    dead: Sequence[Detail],
    settled: Mapping[str, Entity],
) -> Iterator[str]:
    """Yield what to do about each run that is wanted; nothing about those that are as they should be."""
    by_id = {run.run_id: run for run in runs}
    # What is copied from here is a command; whoever named the blob must not write one.
    path = shlex.quote(path)
    for request in requests:
        where = f"{request.route} -> {request.dag_id}"
        run = by_id.get(request.run_id)
        letter = next((each.item for each in dead if each.item.run_id == request.run_id), None)
        row = next((each.item for each in waiting if each.item.run_id == request.run_id), None)
        claim = settled.get(request.route_id)
        if run is None:
            yield f"{where}: Airflow could not be asked whether the run {request.run_id} is there."
        elif run.state == "failed":
            yield f"{where}: the run failed; see {run.link}. Once it is repaired: `send {path} --again`."
        elif run.state:
            continue
        elif letter:
            yield f"{where}: dead ({letter.reason}). Repair it, then `dead replay --prefix {path}`."
        elif row and row.reason == BatchOpen.code:
            yield f"{where}: waits for the other files of its batch. At once: `waiting retry --prefix {path}`"
        elif row:
            yield f"{where}: waits ({row.reason}) and is sent by itself; `status` says what holds it."
        elif claim and claim.get("reason") == "dropped":
            yield f"{where}: dropped by {claim.get('who')}. To send it all the same: `send {path} --again`."
        elif not claim:
            yield f"{where}: its event never came, or came before the route did. `send {path}` sends it."
