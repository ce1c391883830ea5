"""A DAG that does nothing, one run at a time: what the API takes is measured, not what the scheduler does."""

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG(
    dag_id="copy_file",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
):
    EmptyOperator(task_id="nothing")
