"""Airflow 3: `/api/v2`. Measured against 3.3.2; `docs/airflow.md` has the table of responses."""

from datetime import datetime

from shared.airflow.dialects.stable import StableApi
from shared.model.run_request import RunRequest


def _trigger_body(run: RunRequest) -> dict[str, object]:
    # The date is required; null is the only value that never collides.
    date = run.logical_date.isoformat() if run.logical_date else None
    note = {"note": run.note} if run.note else {}
    return {"dag_run_id": run.run_id, "logical_date": date, "conf": run.conf, **note}


def _list_options(page: str, prefix: str, since: datetime | None) -> dict[str, str]:
    options = {} if page.isdecimal() else {"cursor": page}
    if prefix:
        options["run_id_prefix_pattern"] = prefix
    if since:
        # For a run that is triggered without a `run_after`, this is when it was created.
        options["run_after_gte"] = since.isoformat()
    return options


V2 = StableApi(
    name="v2",
    trigger_body=_trigger_body,
    active_only={"exclude_stale": "true"},
    page_of_run="/dags/{dag}/runs/{run}",
    list_options=_list_options,
)
