"""Work on each file of a batch in a task of its own, then sum up.

For a route with `batch`: one run has many files, in `conf.files`, each with `filename`, `size` and `etag`.
The task `load` is mapped over them (dynamic task mapping), so each file is tried again by itself if it fails.
Airflow maps over 1,024 values at most unless `[core] max_map_length` allows more; the route's `max_files` is
1,000 unless it says otherwise.

For Airflow 3 and 2.3 or later.
"""

import json
import logging

import pendulum

try:
    from airflow.sdk import dag, get_current_context, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task
    from airflow.operators.python import get_current_context

log = logging.getLogger(__name__)


@dag(
    dag_id="mapped_files",
    description="Works on each file of a batch in a task of its own.",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
)
def mapped_files() -> None:
    """Declare the tasks."""

    @task
    def list_files() -> list:
        conf = get_current_context()["dag_run"].conf or {}
        log.info("conf: %s", json.dumps(conf, ensure_ascii=False, sort_keys=True))
        return [{"container": conf["container"], **file} for file in conf.get("files", [])]

    @task
    def load(file: dict) -> int:
        log.info("%s/%s: %s bytes", file["container"], file["filename"], file["size"])
        return file["size"]

    @task
    def sum_up(sizes: list) -> dict:
        return {"files": len(sizes), "bytes": sum(sizes)}

    sum_up(load.expand(file=list_files()))


mapped_files()
