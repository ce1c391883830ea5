"""`what_is_known`: gathers what Airflow and the tables know of files, for `shared.jobs.missing`."""

import operator
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from shared.airflow.run_list import ALL_DAGS, AskForRuns, list_runs
from shared.jobs.missing import KNOWN_COLUMNS, Known
from shared.model.errors import AirflowNotFound
from shared.model.run_id import PREFIX
from shared.routes.table import RouteTable
from shared.storage.tables import Table

_DAY = timedelta(days=1)


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """What waits, what is dead, and what was settled without a run: files of batches, and dropped ones."""

    waiting: Table
    dead: Table
    settled: Table


def what_is_known(
    known: Known,
    tables: Tables,
    routes: RouteTable,
    *,
    ask: AskForRuns,
    since: datetime,
    step: Callable[[], None] = lambda: None,
) -> Known:
    """Read what waits, is dead, was settled without a run, and has a run; return it.

    A row leaves the outbox only when its run is there, so the runs are read last: what moves meanwhile is
    seen twice, not missed. The runs of all DAGs are read, because a route may name another one since; those
    that the app's user may not read are left out of that list without a word, so each DAG is asked for first.

    Args:
        known: Takes it.
        routes: Those whose DAGs must be readable.
        tables: Read as they are; `settled` from the day before `since` on.
        ask: Asks Airflow.
        since: Runs that were created since then.
        step: Called for each row and run.

    Raises:
        StorageUnavailable: A table cannot be read.
        RetryableError: Airflow does not answer, or the app's user may not read the runs of a DAG.
    """
    for dag_id in sorted({dag_id for route in routes.routes for dag_id in route.possible_dag_ids}):
        # A DAG that is missing has no runs to read; Airflow 3 answers 404.
        with suppress(AirflowNotFound):
            ask(operator.methodcaller("runs", dag_id, ""))
    first_day = f"{(since - _DAY).astimezone(UTC):%Y-%m-%d}"
    for table, first in ((tables.waiting, ""), (tables.dead, ""), (tables.settled, first_day)):
        for row in table.scan(columns=KNOWN_COLUMNS, first=first):
            known.add_row(row)
            step()
    for run in list_runs(ask, ALL_DAGS, prefix=PREFIX, since=since):
        known.add_run(run)
        step()
    return known
