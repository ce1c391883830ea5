"""A blob of 2 GiB costs what an empty one costs: headers, and no memory."""

import base64
from collections.abc import Iterator

import psutil
import pytest
import requests
from azure.storage.blob import BlobBlock, ContainerClient

from local.azurite import Azurite
from local.host import FAST, HostOptions, RunningHost, start_host
from tests.support.airflow_server import AirflowServer, airflow_server
from tests.support.counting_proxy import counting_proxy

pytestmark = pytest.mark.stack

GIB = 1024**3
BLOCK = 64 * 1024**2


@pytest.fixture
def airflow() -> Iterator[AirflowServer]:
    """Yield a server that stands in for Airflow and counts runs."""
    with airflow_server() as airflow:
        yield airflow


def _upload_two_gib(landing: ContainerClient) -> None:
    """Commit one block of 64 MiB thirty-two times: a block blob of 2 GiB that is sent only once."""
    blob = landing.get_blob_client("large.bin")
    block = base64.b64encode(b"block-0").decode()
    blob.stage_block(block, bytes(BLOCK))
    blob.commit_block_list([BlobBlock(block)] * (2 * GIB // BLOCK))
    assert blob.get_blob_properties().size == 2 * GIB


def _rss(host: RunningHost) -> int:
    return sum(psutil.Process(pid).memory_info().rss for pid in host.worker_pids)


def test_two_gib_cost_headers_only(
    azurite: Azurite, storage_account: str, landing: ContainerClient, airflow: AirflowServer
) -> None:
    """The app's memory changes by less than 5 MiB, and storage serves headers only."""
    for number in range(50):
        landing.upload_blob(f"warm-up/{number}", b"x")
    with counting_proxy(azurite.blob_port) as storage:
        counted = storage_account.replace(f":{azurite.blob_port}/", f":{storage.port}/")
        settings = {
            "AzureWebJobsStorage": storage_account,
            "LandingStorage": counted,
            "EVENT_SOURCE": "EventGrid",
            "LANDING_PATH": f"{landing.container_name}/{{name}}",
            "AIRFLOW_BASE_URL": airflow.base_url,
            "AIRFLOW_DAG_ID": "copy_file",
            "AIRFLOW_USERNAME": "admin",
            "AIRFLOW_PASSWORD": "admin",
            "PYTHON_THREADPOOL_THREAD_COUNT": "32",
        }
        with start_host(HostOptions(environment=settings, host="standin", times=FAST)) as host:
            names = [f"warm-up/{number}" for number in range(50)]
            _announce(host, landing, names)
            host.wait_for_log("run.created", timeout_seconds=60, count=50)
            _upload_two_gib(landing)
            before = _rss(host)
            storage.reset()

            _announce(host, landing, ["large.bin"])
            host.wait_for_log("run.created", timeout_seconds=60, count=51)

            after = _rss(host)
            served, methods = storage.bytes_down, dict(storage.methods)

    assert {body["conf"]["size"] for body in airflow.runs.values()} == {1, 2 * GIB}
    assert abs(after - before) < 5 * 1024**2
    # One of the host, one of the app.
    assert methods == {"HEAD": 2}
    assert served < 4_096


def _announce(host: RunningHost, landing: ContainerClient, names: list[str]) -> None:
    """Send events for blobs to the host, as Event Grid does."""
    for name in names:
        event = {
            "eventType": "Microsoft.Storage.BlobCreated",
            "data": {
                "url": f"{landing.url}/{name}",
                "blobType": "BlockBlob",
                "eTag": "0x1",
            },
        }
        response = requests.post(
            f"{host.url}/runtime/webhooks/blobs",
            params={"functionName": "Host.Functions.blob_to_dag", "code": host.system_key},
            json=[event],
            headers={"aeg-event-type": "Notification"},
            timeout=10,
        )
        assert response.status_code == 202
