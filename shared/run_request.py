"""`RunRequest`: the DAG run that one blob version should start."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What is asked of Airflow, whatever its generation.

    Attributes:
        dag_id: The DAG to run.
        run_id: See `shared.run_id`; Airflow's unique key together with `dag_id`.
        conf: What the DAG finds in `dag_run.conf`: flat, JSON only.
        route: Name of the route that asked for it.
        logical_date: None for a run without one, which is all that a DAG started by a file needs.
    """

    dag_id: str
    run_id: str
    conf: Mapping[str, object]
    route: str
    logical_date: datetime | None = None
