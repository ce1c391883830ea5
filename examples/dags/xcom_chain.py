"""Pass a value of the run's conf from one task on to the next by XCom.

Only small values belong into an XCom: the file's name, never its content.

For Airflow 3 and 2.
"""

import json
import logging
from pathlib import PurePosixPath
from typing import Any

import pendulum

try:
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow.models.dag import DAG
    from airflow.operators.python import PythonOperator

log = logging.getLogger(__name__)


def take_filename(**context: Any) -> None:
    """Leave the file's name as an XCom under a key of its own."""
    conf = context["dag_run"].conf or {}
    log.info("conf: %s", json.dumps(conf, ensure_ascii=False, sort_keys=True))
    context["ti"].xcom_push(key="filename", value=conf.get("filename", ""))


def choose_table(**context: Any) -> str:
    """Take the name from the other task, and leave what follows from it as the return value."""
    filename = context["ti"].xcom_pull(task_ids="take_filename", key="filename")
    table = PurePosixPath(filename).stem or "none"
    log.info("%r goes to the table %r", filename, table)
    return table


with DAG(
    dag_id="xcom_chain",
    description="Passes a value of the conf on by XCom.",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
):
    (
        PythonOperator(task_id="take_filename", python_callable=take_filename)
        >> PythonOperator(task_id="choose_table", python_callable=choose_table)
    )
