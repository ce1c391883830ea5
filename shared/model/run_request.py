"""`RunRequest`: the DAG run that one blob version should start."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WhenPaused(StrEnum):
    """What happens to a run whose DAG is paused."""

    QUEUE = "queue"
    """Airflow keeps the run until the DAG is unpaused."""

    HOLD = "hold"
    """The run waits in the outbox until the DAG is unpaused."""

    DROP = "drop"
    """No run; logged and counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What is requested of Airflow, in any generation.

    Attributes:
        dag_id: The DAG to run.
        run_id: See `shared.model.run_id`; Airflow's unique key together with `dag_id`.
        conf: The DAG's `dag_run.conf`: flat, JSON only.
        route: Name of the route that asked for it, as `conf` shows it.
        route_id: Id of that route, which the run id is made of: it survives a rename.
        logical_date: None for a run without one, which suits most DAGs that a file starts.
        when_paused: What happens to it while its DAG is paused.
        max_runs_per_minute: The route's own cap on runs created; None if it has none.
        max_queued_runs: The route's own cap on runs that wait in Airflow; None if it has none.
    """

    dag_id: str
    run_id: str
    conf: Mapping[str, object]
    route: str
    route_id: str
    logical_date: datetime | None = None
    when_paused: WhenPaused = WhenPaused.QUEUE
    max_runs_per_minute: int | None = None
    max_queued_runs: int | None = None
