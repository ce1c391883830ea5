"""A DAG for each way to wait for a file whose name is known, and then the same work. For Airflow 3 and 2.

What is not set has the provider's default: `poke_interval` is 60 seconds. The two limits of a DAG are raised:
with 16 active runs, the default, nobody would wait yet for some files when they come.
"""

import json
import os
import time
from typing import Any

import pendulum
from airflow.providers.microsoft.azure.sensors.wasb import WasbBlobSensor, WasbPrefixSensor

try:
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow.models.dag import DAG
    from airflow.operators.python import PythonOperator

CONTAINER = "{{ dag_run.conf['container'] }}"
FILE = "{{ dag_run.conf['filename'] }}"


def work(**context: Any) -> None:
    """Append a line to the file of the benchmark."""
    run = context["dag_run"]
    line = {"file": run.conf["filename"], "run_id": run.run_id, "dag_id": run.dag_id, "began": time.time()}
    with open(os.environ["BENCHMARK_FILE"], "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(json.dumps(line) + "\n")


SENSORS = {
    "poke": (WasbBlobSensor, {"blob_name": FILE, "mode": "poke"}),
    "poke_5s": (WasbBlobSensor, {"blob_name": FILE, "mode": "poke", "poke_interval": 5}),
    "reschedule": (WasbBlobSensor, {"blob_name": FILE, "mode": "reschedule"}),
    "deferrable": (WasbPrefixSensor, {"prefix": FILE, "deferrable": True}),
}

for dag_id, (sensor, options) in SENSORS.items():
    with DAG(
        dag_id=dag_id,
        schedule=None,
        start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
        catchup=False,
        max_active_runs=200,
        max_active_tasks=200,
    ):
        wait = sensor(task_id="wait", container_name=CONTAINER, wasb_conn_id=f"wasb_{dag_id}", **options)
        wait >> PythonOperator(task_id="work", python_callable=work)
