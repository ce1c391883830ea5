"""A DAG whose runs cost nothing: the scheduler finishes an empty task without starting a process."""

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG(
    dag_id="noop",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=100,
):
    EmptyOperator(task_id="nothing")
