"""Airflow 3: `/api/v2`. Measured against 3.3.2; `docs/airflow.md` holds the table of answers."""

from shared.airflow.stable import StableApi
from shared.model.run_request import RunRequest


def _trigger_body(run: RunRequest) -> dict[str, object]:
    # The date must be there; null is the safe value.
    date = run.logical_date.isoformat() if run.logical_date else None
    return {"dag_run_id": run.run_id, "logical_date": date, "conf": run.conf}


V2 = StableApi(
    name="v2",
    trigger_body=_trigger_body,
    active_only={"exclude_stale": "true"},
    health_path="/api/v2/monitor/health",
)
