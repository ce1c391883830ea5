"""Copy the file that started the run from its container to the container `processed`.

A plain Python task. It reads `filename` and `container` from the run's conf. The storage account is the
Airflow connection `landing_storage`, whose extra holds `connection_string`, for example as a variable:
`AIRFLOW_CONN_LANDING_STORAGE='{"conn_type": "wasb", "extra": {"connection_string": "..."}}'`.

For Airflow 3 and 2.
"""

import json
import logging
from typing import Any

import pendulum
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

try:
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.sdk import DAG, BaseHook
except ImportError:  # Airflow 2
    from airflow.hooks.base import BaseHook
    from airflow.models.dag import DAG
    from airflow.operators.python import PythonOperator

TARGET_CONTAINER = "processed"

log = logging.getLogger(__name__)


def copy_file(**context: Any) -> None:
    """Copy the blob by streaming it; a repeated run overwrites the copy with the same content."""
    conf = context["dag_run"].conf or {}
    log.info("conf: %s", json.dumps(conf, ensure_ascii=False, sort_keys=True))
    filename = conf.get("filename")
    if not filename:
        log.info("no filename in the conf: started by hand? Nothing to copy.")
        return
    container = conf.get("container", "landing")
    connection = BaseHook.get_connection("landing_storage")
    with BlobServiceClient.from_connection_string(connection.extra_dejson["connection_string"]) as service:
        try:
            service.create_container(TARGET_CONTAINER)
        except ResourceExistsError:
            log.info("container %s is there", TARGET_CONTAINER)
        source = service.get_blob_client(container, filename).download_blob()
        target = service.get_blob_client(TARGET_CONTAINER, filename)
        target.upload_blob(source.chunks(), length=source.size, overwrite=True)
    log.info("copied %s bytes from %s to %s", source.size, container, TARGET_CONTAINER)


with DAG(
    dag_id="copy_file",
    description="Copies the file that started the run.",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
):
    PythonOperator(task_id="copy_file", python_callable=copy_file)
