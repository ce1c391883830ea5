"""Files of a route with `requires`: a person sends one whose companion never came, and finds it meanwhile."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from operate.desk import Desk
from operate.files import pending_of, requests_of, verdicts_on
from shared.app import App
from shared.model.errors import CompanionMissing
from shared.model.lane import Lane, LaneKind
from tests.operate.conftest import Run
from tests.support.airflow_server import AirflowServer, airflow_server
from tests.support.rows import DEAD_LETTERS, OUTBOX, count_rows, read_rows

pytestmark = pytest.mark.stack

ROUTE = """[[route]]
name = "r"
match = "landing/{file}.csv"
dag_id = "copy_file"
requires = ["landing/{file}.csv.done"]
"""
AWAITED = Lane(route_id="r", dag_id="", kind=LaneKind.COMPANIONS)


@pytest.fixture
def airflow(settings: dict[str, str]) -> Iterator[AirflowServer]:
    """Yield an Airflow that the app's settings name, with the route."""
    with airflow_server() as airflow:
        settings |= {"AIRFLOW_BASE_URL": airflow.base_url, "AIRFLOW_DAG_ID": "", "AIRFLOW_ROUTES": ROUTE}
        yield airflow


@pytest.fixture
def landing(storage_account: str) -> Iterator[ContainerClient]:
    """Yield the container with a file whose companion is not there."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        landing = service.create_container("landing")
        landing.upload_blob("a.csv", b"1,2")
        yield landing


@pytest.mark.usefixtures("landing")
def test_letter_of_a_companion_that_never_came_is_sent_without_it(
    run: Run, desk: Desk, settings: dict[str, str], storage_account: str, airflow: AirflowServer
) -> None:
    """Into the lane of its DAG: where companions are awaited it would die again, six hours later."""
    event = desk.reader.read("landing", "a.csv")
    assert event is not None
    (request,) = requests_of(event, verdicts_on(desk, event))
    error = CompanionMissing("landing/a.csv.done did not come within 6h.")
    desk.dead_letters.add(replace(pending_of(event, request), lane=AWAITED), error)

    planned = run("dead", "replay", "--reason", "companion_missing", "--dry-run")
    shown = run("dead", "replay", "--reason", "companion_missing", "--yes")

    (row,) = read_rows(storage_account, OUTBOX)
    assert "r -> copy_file" in planned.out
    assert (shown.status, row["PartitionKey"]) == (0, request.lane.key)
    App(settings).dispatch()
    assert list(airflow.runs) == [("copy_file", request.run_id)]
    assert count_rows(storage_account, OUTBOX) == count_rows(storage_account, DEAD_LETTERS) == 0


@pytest.mark.usefixtures("landing", "airflow")
def test_file_that_waits_for_its_companion_or_died_of_it_is_not_sent_again(
    run: Run, desk: Desk, storage_account: str
) -> None:
    """Its row is in another lane than that of its DAG."""
    assert "in the outbox" in run("send", "landing/a.csv").out
    assert "waits already (sent_by_hand)" in run("send", "landing/a.csv").out

    assert count_rows(storage_account, OUTBOX) == 1
    (waiting,) = desk.outbox.rows(AWAITED.key, most=10)
    assert waiting.pending is not None
    desk.dead_letters.add(waiting.pending, CompanionMissing("x"))
    desk.outbox.delete([waiting])
    assert "dead (companion_missing)" in run("send", "landing/a.csv").out
    assert count_rows(storage_account, OUTBOX) == 0
