"""What people use today, against real Airflows: what becomes of it, and that ours works where it fails.

`docs/airflow.md` shows the same table; a test compares the two.
"""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from shared.airflow.client import Delivery
from tests.airflow.harness import AirflowHarness, run_request
from tests.support.missing import missing

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

CONF = {"filename": "in/a.csv", "size": 3}
PATHS = {"experimental": "dag_runs", "v1": "dagRuns", "v2": "dagRuns"}
RUN_ID = {"experimental": "run_id", "v1": "dag_run_id", "v2": "dag_run_id"}
SECONDS = 60

# As an Azure Function in JavaScript does it: basic auth in the first request, to the API of its day.
JAVASCRIPT = """
const [url, user, password] = process.argv.slice(1);
const headers = {
  "Content-Type": "application/json",
  "Authorization": "Basic " + Buffer.from(`${user}:${password}`).toString("base64"),
};
const body = JSON.stringify({ conf: { filename: "in/a.csv", size: 3 } });
fetch(url, { method: "POST", headers, body, redirect: "manual" })
  .then((answer) => console.log(answer.status));
"""


def url(harness: AirflowHarness, dag_id: str = "contract_take") -> str:
    """Return the address that each generation has for it."""
    return f"{harness.airflow.base_url}/api/{harness.api}/dags/{dag_id}/{PATHS[harness.api]}"


def basic(harness: AirflowHarness) -> tuple[str, str]:
    """Return what most snippets log in with."""
    return harness.airflow.username, harness.airflow.password


def conf_as_object(harness: AirflowHarness) -> int:
    """Post `{"conf": {...}}` with basic auth."""
    return requests.post(url(harness), auth=basic(harness), json={"conf": CONF}, timeout=SECONDS).status_code


def conf_as_text(harness: AirflowHarness) -> int:
    """Post `{"conf": "{...}"}` with basic auth."""
    body = {"conf": json.dumps(CONF)}
    return requests.post(url(harness), auth=basic(harness), json=body, timeout=SECONDS).status_code


def run_id_null(harness: AirflowHarness) -> int:
    """Post `{"run_id": null, "conf": {...}}` with basic auth."""
    body = {"run_id": None, "conf": CONF}
    return requests.post(url(harness), auth=basic(harness), json=body, timeout=SECONDS).status_code


def bearer_token(harness: AirflowHarness) -> int:
    """Post `{"conf": {...}}` with a bearer token; where there are no tokens, with one of someone's."""
    token = harness.log_in(*basic(harness)) if harness.api == "v2" else "a-token"
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(url(harness), headers=headers, json={"conf": CONF}, timeout=SECONDS).status_code


def dag_checked_first(harness: AirflowHarness) -> int:
    """Ask for the DAG at `/api/v1`, and post only if it is there."""
    dag = requests.get(
        f"{harness.airflow.base_url}/api/v1/dags/contract_take",
        auth=basic(harness),
        timeout=SECONDS,
        allow_redirects=False,
    )
    if dag.status_code != requests.codes.ok:
        return dag.status_code
    return requests.post(url(harness), auth=basic(harness), json={"conf": CONF}, timeout=SECONDS).status_code


def javascript(harness: AirflowHarness) -> int:
    """Run the JavaScript above against the experimental API."""
    node = shutil.which("node")
    if node is None:
        missing("Node.js is missing: install Node.js 20 or newer (https://nodejs.org)")
    address = f"{harness.airflow.base_url}/api/experimental/dags/contract_take/dag_runs"
    done = subprocess.run(
        [node, "-e", JAVASCRIPT, address, *basic(harness)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return int(done.stdout)


SNIPPETS: dict[str, tuple[Callable[[AirflowHarness], int], dict[str, int]]] = {
    "`requests.post`, `conf` as an object": (conf_as_object, {"experimental": 200, "v1": 200, "v2": 401}),
    "`requests.post`, `conf` as a JSON text": (conf_as_text, {"experimental": 200, "v1": 400, "v2": 401}),
    "`requests.post` with `run_id: null`": (run_id_null, {"experimental": 200, "v1": 400, "v2": 401}),
    "`requests.post` with a bearer token": (bearer_token, {"experimental": 500, "v1": 403, "v2": 422}),
    "the DAG checked first, then posted": (dag_checked_first, {"experimental": 404, "v1": 200, "v2": 404}),
    "JavaScript, preemptive basic auth": (javascript, {"experimental": 200, "v1": 404, "v2": 405}),
}


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippet_does_what_the_documentation_says(harness: AirflowHarness, name: str) -> None:
    """Where it fails, ours works, with the same user; a repeated delivery makes no second run."""
    snippet, expected = SNIPPETS[name]
    run = run_request(conf=CONF)
    # Airflow 1.10 cuts microseconds off: the snippet before may have taken this second.
    time.sleep(1.1)

    assert snippet(harness) == expected[harness.api]
    assert harness.client().trigger(run) is Delivery.CREATED
    assert harness.client().trigger(run) is Delivery.ALREADY_THERE


@pytest.mark.generations("experimental", "v1")
def test_snippet_makes_a_run_for_each_delivery(harness: AirflowHarness) -> None:
    """Where it works, an event that comes twice runs twice: it has no run id of its own."""
    before = len(harness.runs("contract_take"))
    for _ in range(2):
        time.sleep(1.1)
        conf_as_object(harness)

    assert len(harness.runs("contract_take")) == before + 2


@pytest.mark.generations("experimental")
def test_snippet_loses_a_blob_of_the_same_second_in_airflow_1(harness: AirflowHarness) -> None:
    """The run id is made of the second; ours start a run each. Newer ones keep microseconds."""
    statuses = [conf_as_object(harness) for _ in range(8)]
    ours = [harness.client().trigger(run_request(conf=CONF)) for _ in range(8)]

    assert 400 in statuses
    assert set(ours) == {Delivery.CREATED}


def test_documentation_shows_the_same_table() -> None:
    """What people read is what was measured."""
    text = (Path(__file__).parents[2] / "docs" / "airflow.md").read_text(encoding="utf-8")
    for name, (_, expected) in SNIPPETS.items():
        row = re.search(
            rf"^\| {re.escape(name)} \| (\d+)[^|]*\| (\d+)[^|]*\| (\d+)[^|]*\|", text, re.MULTILINE
        )

        assert row, name
        assert [int(row[1]), int(row[2]), int(row[3])] == list(expected.values()), name
