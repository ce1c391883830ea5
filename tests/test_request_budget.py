"""What events cost: requests, log-ins, connections, and the look at the lanes. Counted, not timed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.storage.blob import ContainerClient

from local.azurite import Azurite
from shared.app import App
from shared.event_log import EventLog
from shared.timing import Timing
from tests.support.airflow_server import airflow_server
from tests.support.clock import FakeClock
from tests.support.counting_proxy import counting_proxy

pytestmark = pytest.mark.stack

EVENTS = 1_000
NOWHERE = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:9/a;"
    "QueueEndpoint=http://127.0.0.1:9/a;TableEndpoint=http://127.0.0.1:9/a;"
)


@pytest.fixture
def blobs(landing: ContainerClient) -> list[str]:
    """Upload as many small blobs as there are events."""
    names = [f"feed {number % 7}/{number}.csv" for number in range(EVENTS)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: landing.upload_blob(name, b"x"), names))
    return names


@pytest.mark.parametrize("threads", [1, 32])
def test_thousand_events_cost_one_head_and_one_post_each(
    azurite: Azurite, landing: ContainerClient, blobs: list[str], threads: int
) -> None:
    """One HEAD and one POST for each event, one log-in, no more connections than threads to either side."""
    log = EventLog()
    with airflow_server() as airflow, counting_proxy(azurite.blob_port) as storage:
        settings = _settings(azurite, airflow.base_url, landing, blob_port=storage.port)
        # The host's own storage is not there at all: the happy path needs none of it.
        settings |= {"AIRFLOW_MAX_CONCURRENCY": str(threads), "AzureWebJobsStorage": NOWHERE}
        # The look once a minute has a test of its own; a slow machine may take minutes here.
        timing = Timing(look_seconds=float("inf"))
        app = App(settings | {"PYTHON_THREADPOOL_THREAD_COUNT": str(threads)}, log, timing)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda name: app.on_blob(landing.container_name, name), blobs))

        assert len(airflow.runs) == EVENTS
        assert airflow.requests == {
            "GET api/v2/version": 1,
            "POST auth/token": 1,
            "POST dagRuns": EVENTS,
        }
        assert storage.methods == {"HEAD": EVENTS}
        assert airflow.connections <= threads
        assert storage.connections <= threads
        assert log.counts == {"airflow.detected": 1, "blob.observed": EVENTS, "run.created": EVENTS}


def test_each_instance_looks_at_the_lanes_once_a_minute(azurite: Azurite, landing: ContainerClient) -> None:
    """One request when nothing waits; that is all that the outbox costs an event that is delivered."""
    clock = FakeClock()
    for name in ("a", "b", "c"):
        landing.upload_blob(name, b"x")
    with (
        airflow_server() as airflow,
        counting_proxy(azurite.blob_port) as blobs,
        counting_proxy(azurite.table_port) as tables,
    ):
        settings = _settings(azurite, airflow.base_url, landing, blob_port=blobs.port, table_port=tables.port)
        app = App(settings, EventLog(), clock.timing())

        def requests_of_minutes(count: int) -> int:
            for _ in range(count):
                for name in ("a", "b", "c"):
                    app.on_blob(landing.container_name, name)
                clock.now += 60
            return tables.methods.total()

        assert requests_of_minutes(1) == 0
        assert requests_of_minutes(5) == 5
        assert tables.methods.keys() == {"GET"}
        assert blobs.methods == {"HEAD": 18}


def _settings(
    azurite: Azurite,
    airflow: str,
    landing: ContainerClient,
    *,
    blob_port: int,
    table_port: int | None = None,
) -> dict[str, str]:
    counted = azurite.connection_string.replace(f":{azurite.blob_port}/", f":{blob_port}/")
    if table_port:
        counted = counted.replace(f":{azurite.table_port}/", f":{table_port}/")
    return {
        "AIRFLOW_BASE_URL": airflow,
        "AIRFLOW_DAG_ID": "copy_file",
        "AIRFLOW_USERNAME": "admin",
        "AIRFLOW_PASSWORD": "admin",
        "AzureWebJobsStorage": counted,
        "LandingStorage": counted,
        "LANDING_PATH": f"{landing.container_name}/{{name}}",
    }
