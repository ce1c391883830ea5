"""What each file starts: a task that writes down when it began. For Airflow 3 and 2."""

import json
import os
import time
from typing import Any

import pendulum

try:
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow.models.dag import DAG
    from airflow.operators.python import PythonOperator


def work(**context: Any) -> None:
    """Append a line to the file of the benchmark."""
    run = context["dag_run"]
    line = {"file": run.conf["filename"], "run_id": run.run_id, "dag_id": run.dag_id, "began": time.time()}
    with open(os.environ["BENCHMARK_FILE"], "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(json.dumps(line) + "\n")


with DAG(
    dag_id="work",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=200,
    max_active_tasks=200,
):
    PythonOperator(task_id="work", python_callable=work)
