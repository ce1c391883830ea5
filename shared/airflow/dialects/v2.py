"""Airflow 3: `/api/v2`. Measured against 3.3.2; `docs/airflow.md` has the table of responses."""

from shared.airflow.dialects.stable import StableApi
from shared.model.run_request import RunRequest


def _trigger_body(run: RunRequest) -> dict[str, object]:
    # The date is required; null is the only value that never collides.
    date = run.logical_date.isoformat() if run.logical_date else None
    return {"dag_run_id": run.run_id, "logical_date": date, "conf": run.conf}


V2 = StableApi(
    name="v2",
    trigger_body=_trigger_body,
    active_only={"exclude_stale": "true"},
)
