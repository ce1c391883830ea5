"""The conf that a route makes passes the `params` of a DAG in a real Airflow 3."""

import json
from typing import Any

import pytest
import requests

from local.airflow import Airflow, logged_conf
from shared.model.conf import encode_conf
from shared.routes.reader import read_routes
from tests.support.samples import MOMENT, blob_event

pytestmark = [pytest.mark.airflow, pytest.mark.stack]

ROUTES = """
[[route]]
name = "sales"
match = "landing/sales/{day:date:yyyy/MM/dd}/{shop:int}/{name}"
dag_id = "typed_params"
conf = { day = "{day}", shop = "{shop}" }
"""
FULL = {
    "content_type": "text/csv",
    "last_modified": MOMENT,
    "blob_type": "BlockBlob",
    "metadata": {"source": "bank"},
    "sequencer": "0000000000000000000000000000000A0000000000000001",
}


def conf_of(name: str, **facts: Any) -> dict[str, Any]:
    """Return the conf that the route makes for a blob, as it is sent."""
    (run,) = read_routes(ROUTES, origin="test").match(blob_event(name=name, **facts)).requests
    return encode_conf(run.conf, max_bytes=65_536)


@pytest.mark.parametrize(
    ("basename", "facts"),
    [
        ("a.csv", {"size": 12, **FULL}),
        ("x'); DROP TABLE arrivals; --", {"size": 0}),
        ("{{ params.size }} größe 数 \"'\\ :day ?", {"size": 5_000_000_000}),
    ],
    ids=["plain", "hostile SQL, empty file", "templates and quotes, 5 GB"],
)
def test_typed_params_takes_the_conf_of_a_route_and_binds_it(
    airflow: Airflow, basename: str, facts: dict[str, Any]
) -> None:
    """Types pass the DAG's validation, and every value comes out of the database as it went in."""
    airflow.api.wait_for_dags({"typed_params"})
    name = f"sales/2026/11/20/007/{basename}"
    conf = conf_of(name, **facts)

    run = airflow.api.wait_for_run("typed_params", airflow.api.trigger("typed_params", conf))
    log = airflow.api.task_log("typed_params", run.run_id, "note_arrival")

    assert run.state == "success", log
    assert airflow.api.xcom("typed_params", run.run_id, "note_arrival") == [
        name,
        facts["size"],
        "2026-11-20",
        7,
    ]
    assert json.loads(logged_conf(log) or "") == conf


@pytest.mark.parametrize(
    "change",
    [
        {"shop": "7"},
        {"shop": 0},
        {"shop": 7.5},
        {"day": "20.11.2026"},
        {"day": None},
        {"size": "12"},
        {"filename": ""},
    ],
    ids=str,
)
def test_typed_params_refuses_other_types(airflow: Airflow, change: dict[str, Any]) -> None:
    """The validation is real: a text for a number, or a day in another form, is refused."""
    airflow.api.wait_for_dags({"typed_params"})
    conf = {**conf_of("sales/2026/11/20/007/a.csv"), **change}

    with pytest.raises(requests.HTTPError, match="400"):
        airflow.api.trigger("typed_params", conf)
