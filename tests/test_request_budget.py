"""What a thousand events cost: requests, log-ins, connections. Counted, not timed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.storage.blob import ContainerClient

from local.azurite import Azurite
from shared.app import App
from shared.event_log import EventLog
from tests.support.airflow_server import airflow_server
from tests.support.clock import FakeClock
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
    azurite: Azurite, storage_account: str, landing: ContainerClient, blobs: list[str], threads: int
) -> None:
    """One HEAD, one POST, one log-in, no more connections than threads to either side; one look a minute."""
    log = EventLog()
    clock = FakeClock()
    with (
        airflow_server() as airflow,
        counting_proxy(azurite.blob_port) as storage,
        counting_proxy(azurite.table_port) as tables,
    ):
        app = App(
            {
                "AIRFLOW_BASE_URL": airflow.base_url,
                "AIRFLOW_DAG_ID": "copy_file",
                "AIRFLOW_USERNAME": "admin",
                "AIRFLOW_PASSWORD": "admin",
                "AIRFLOW_MAX_CONCURRENCY": str(threads),
                "AzureWebJobsStorage": storage_account.replace(f":{azurite.table_port}/", f":{tables.port}/"),
                "LandingStorage": azurite.connection_string.replace(
                    f":{azurite.blob_port}/", f":{storage.port}/"
                ),
                "PYTHON_THREADPOOL_THREAD_COUNT": str(threads),
            },
            log,
            clock.timing(),
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
        assert tables.methods == {}
        assert airflow.connections <= threads
        assert storage.connections <= threads
        assert log.counts == {"airflow.detected": 1, "blob.observed": EVENTS, "run.created": EVENTS}

        clock.now += 60
        app.on_blob(landing.container_name, blobs[0])
        app.on_blob(landing.container_name, blobs[1])
        # The look at the lanes, once a minute for each instance: there is no table yet, so nothing waits.
        assert tables.methods == {"GET": 1}
