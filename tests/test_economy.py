"""What a thousand events cost: requests, log-ins, connections. Counted, not timed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.storage.blob import ContainerClient

from local.azurite import Azurite
from shared.app import App
from shared.event_log import EventLog
from tests.support.airflow_server import airflow_server
from tests.support.counting_proxy import counting_proxy

pytestmark = pytest.mark.stack

EVENTS = 1_000


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
        app = App(
            {
                "AIRFLOW_BASE_URL": airflow.base_url,
                "AIRFLOW_DAG_ID": "copy_file",
                "AIRFLOW_USERNAME": "admin",
                "AIRFLOW_PASSWORD": "admin",
                "AIRFLOW_MAX_CONCURRENCY": str(threads),
                "AzureWebJobsStorage": azurite.connection_string,
                "LandingStorage": azurite.connection_string.replace(
                    f":{azurite.blob_port}/", f":{storage.port}/"
                ),
                "PYTHON_THREADPOOL_THREAD_COUNT": str(threads),
            },
            log,
        )
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
