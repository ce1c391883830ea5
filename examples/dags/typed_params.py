"""Note the file that started the run in a table, with four typed `params` bound into SQL.

The route gives two of them from the file's path:

    [[route]]
    name = "sales"
    match = "landing/sales/{day:date:yyyy/MM/dd}/{shop:int}/{name}"
    dag_id = "typed_params"
    conf = { day = "{day}", shop = "{shop}" }

A file name is what its sender likes. Values are bound, never formatted into the statement: by no f-string
and not by a template such as `"... '{{ params.filename }}'"` either. Here the database is SQLite in memory; a
hook binds in the same way: `hook.get_records(TOTAL, parameters={...})`.

For Airflow 3 and 2.
"""

# ruff: noqa: AIR311 - the import for Airflow 2 is the fallback

import json
import logging
import sqlite3
from contextlib import closing

import pendulum

try:
    from airflow.sdk import Param, dag, get_current_context, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task
    from airflow.models.param import Param
    from airflow.operators.python import get_current_context

CREATE = "CREATE TABLE arrivals (filename TEXT, size INTEGER, day TEXT, shop INTEGER)"
INSERT = "INSERT INTO arrivals VALUES (:filename, :size, :day, :shop)"
TOTAL = """
    SELECT filename, sum(size) AS bytes, day, shop FROM arrivals
    WHERE filename = :filename AND size >= :size AND day = :day AND shop = :shop
    GROUP BY filename, day, shop
"""

log = logging.getLogger(__name__)


@dag(
    dag_id="typed_params",
    description="Notes the file that started the run, with typed params bound into SQL.",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
    params={
        "filename": Param(type="string", minLength=1, maxLength=1024, description="The blob's name."),
        "size": Param(type="integer", minimum=0, description="In bytes."),
        "day": Param(type="string", format="date", description="The day in the file's path."),
        "shop": Param(type="integer", minimum=1, description="The shop in the file's path."),
    },
)
def typed_params() -> None:
    """Declare the task."""

    @task
    def note_arrival() -> list:
        context = get_current_context()
        log.info("conf: %s", json.dumps(context["dag_run"].conf or {}, ensure_ascii=False, sort_keys=True))
        values = {name: context["params"][name] for name in ("filename", "size", "day", "shop")}
        with closing(sqlite3.connect(":memory:")) as database:
            database.execute(CREATE)
            database.execute(INSERT, values)
            return list(database.execute(TOTAL, values).fetchone())

    note_arrival()


typed_params()
