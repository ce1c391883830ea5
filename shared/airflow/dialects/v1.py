"""Airflow 2: `/api/v1`. Measured against 2.11.2; `docs/airflow.md` has the table of responses."""

from shared.airflow.dialects.stable import StableApi
from shared.model.run_request import RunRequest


def _trigger_body(run: RunRequest) -> dict[str, object]:
    # A null is an error here: an unknown date is left out.
    date = {"logical_date": run.logical_date.isoformat()} if run.logical_date else {}
    note = {"note": run.note} if run.note else {}
    return {"dag_run_id": run.run_id, "conf": run.conf, **date, **note}


V1 = StableApi(
    name="v1",
    trigger_body=_trigger_body,
    active_only={"only_active": "true"},
    page_of_run="/dags/{dag}/grid?dag_run_id={run}",
    hides_bad_credentials=True,
)
