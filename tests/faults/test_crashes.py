"""The process is killed before and after every I/O call on the way of an event: one run all the same."""

import json
import time
from collections import Counter

import pytest
from azure.storage.queue import QueueServiceClient

from shared.app import App
from shared.config.storage_connection import StorageConnection
from shared.event_log import EventLog
from shared.model.pending import Parked
from shared.sources import blob_poison
from shared.sources.message_body import encode_body
from shared.storage.accounts import StorageAccount
from shared.storage.blob_reader import LandingAccount
from shared.storage.outbox import Parking
from tests.faults.conftest import Site
from tests.support.crash import TIMES
from tests.support.crashes import crash_everywhere
from tests.support.scale import scaled

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(900),
    pytest.mark.fault("process killed before and after every I/O call", airflow="stand-in, SQLite keys"),
]

EVERY = scaled(3, 1)


def _drain(site: Site) -> None:
    """Do as the next dispatchers would, until nothing is left anywhere."""
    app = App(site.settings(), EventLog(), TIMES)
    end = time.monotonic() + 60
    while site.parked() or _poisoned(site):
        assert time.monotonic() < end, f"{site.parked()} parked, {_poisoned(site)} poisoned"
        app.dispatch()
        time.sleep(0.1)


def _poisoned(site: Site) -> int:
    queues = QueueServiceClient.from_connection_string(site.azurite.connection_string)
    if blob_poison.QUEUE not in [queue.name for queue in queues.list_queues()]:
        return 0
    return queues.get_queue_client(blob_poison.QUEUE).get_queue_properties().approximate_message_count or 0


def _assert_one_run_each(site: Site, names: list[str]) -> None:
    ran = Counter(body["conf"]["filename"] for body in site.airflow.runs.values())
    assert ran == dict.fromkeys(names, 1)
    assert site.letters() == []


def test_first_delivery(site: Site) -> None:
    """The platform calls again, with the same blob."""

    def prepare(name: str) -> list[str]:
        site.landing.upload_blob(name, b"x")
        return ["live", site.landing.container_name, name]

    def recover(name: str) -> None:
        App(site.settings(), EventLog(), TIMES).on_blob(site.landing.container_name, name)
        _drain(site)

    names = crash_everywhere(site.settings(), prepare, recover, every=EVERY)

    _assert_one_run_each(site, names)


def test_parked_event(site: Site) -> None:
    """Its message is seen again when its visibility ends."""
    connection = StorageConnection(name="x", connection_string=site.azurite.connection_string)
    account = StorageAccount(connection, threads=1)
    parking = Parking(account.queues, visibility_seconds=2)

    def prepare(name: str) -> list[str]:
        site.landing.upload_blob(name, b"x")
        event = LandingAccount(account).observe(site.landing.container_name, name)
        parked = Parked(container=site.landing.container_name, name=name, event=event, route="default")
        parking.park(parked, delay_seconds=0)
        return ["dispatch"]

    names = crash_everywhere(site.settings(), prepare, lambda _name: _drain(site), every=EVERY)

    _assert_one_run_each(site, names)


def test_poison_message(site: Site) -> None:
    """It is parked, taken from the poison queue, looked at, delivered: killed anywhere in between."""
    queues = QueueServiceClient.from_connection_string(site.azurite.connection_string)
    if blob_poison.QUEUE not in [queue.name for queue in queues.list_queues()]:
        queues.create_queue(blob_poison.QUEUE)
    queue = queues.get_queue_client(blob_poison.QUEUE)

    def prepare(name: str) -> list[str]:
        site.landing.upload_blob(name, b"x")
        message = {
            "Type": "BlobTrigger",
            "FunctionId": "Host.Functions.blob_to_dag",
            "BlobType": "BlockBlob",
            "ContainerName": site.landing.container_name,
            "BlobName": name,
            "ETag": '"0x1"',
        }
        queue.send_message(encode_body(json.dumps(message)))
        return ["dispatch"]

    names = crash_everywhere(site.settings(), prepare, lambda _name: _drain(site), every=EVERY)

    _assert_one_run_each(site, names)
