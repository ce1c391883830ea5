"""Log the file that started the run, read as declared `params`.

In the TaskFlow style. Airflow checks the conf against the params when the run is asked for, and answers 400
where it does not fit; keys of the conf that are not declared are let through. `filename` has no default, so
a run started by hand must give one, and the web form asks for it.

For Airflow 3 and 2.
"""

# ruff: noqa: AIR311 - the import for Airflow 2 is the fallback

import json
import logging

import pendulum

try:
    from airflow.sdk import Param, dag, get_current_context, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task
    from airflow.models.param import Param
    from airflow.operators.python import get_current_context

log = logging.getLogger(__name__)


@dag(
    dag_id="taskflow_params",
    description="Logs the file that started the run, read as declared params.",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
    params={
        "filename": Param(type="string", minLength=1, description="The blob's name in its container."),
        "container": Param("landing", type="string", description="The container that the file is in."),
        "size": Param(0, type="integer", minimum=0, description="In bytes."),
        "content_type": Param(None, type=["null", "string"], description="Unknown in queue mode."),
    },
)
def taskflow_params() -> None:
    """Declare the tasks."""

    @task
    def read_params() -> dict:
        context = get_current_context()
        log.info("conf: %s", json.dumps(context["dag_run"].conf or {}, ensure_ascii=False, sort_keys=True))
        names = ("filename", "container", "size", "content_type")
        return {name: context["params"][name] for name in names}

    @task
    def describe(file: dict) -> str:
        kind = file["content_type"] or "unknown type"
        description = f"{file['container']}/{file['filename']}: {file['size']} bytes of {kind}"
        log.info("%s", description)
        return description

    describe(read_params())


taskflow_params()
