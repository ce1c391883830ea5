"""`list_runs`: the runs of a DAG, page by page."""

import operator
from collections.abc import Callable, Iterator
from datetime import datetime

from shared.airflow.dialects.base import Dialect, RunFacts, RunsPage
from shared.airflow.request import Flow

type AskForRuns = Callable[[Callable[[Dialect], Flow[RunsPage]]], RunsPage]
"""See `AirflowClient.ask`."""

ALL_DAGS = "~"
"""Stands for all DAGs that the app's user may see, in Airflow 2 and 3."""


def list_runs(
    ask: AskForRuns, dag_id: str, *, state: str = "", prefix: str = "", since: datetime | None = None
) -> Iterator[RunFacts]:
    """Yield the runs of a DAG, or of all, those that were created last first; raises RetryableError.

    Airflow 2 counts pages from the last run, so one that is created meanwhile shifts them: a run may come
    twice, and none is left out. Nor does it know when a run was created; but all that come after one that
    began before `since` were created before.

    Args:
        ask: Asks Airflow.
        dag_id: The DAG, or `ALL_DAGS`.
        state: Only runs in this state.
        prefix: Only runs whose id begins so.
        since: Leave out runs that were created before, as far as that is known.
    """
    page = ""
    while True:
        found = ask(operator.methodcaller("runs", dag_id, page, state=state, prefix=prefix, since=since))
        for run in found.runs:
            if since and run.started and run.started < since:
                return
            if run.run_id.startswith(prefix):
                yield run
        if not found.next_page:
            return
        page = found.next_page
