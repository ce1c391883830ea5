"""The app's own queues and containers on a real Azurite, emptied for each test."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from local.azurite import Azurite
from shared.config.storage_connection import StorageConnection
from shared.delivery.circuit_breaker import airflow_breaker, credentials_breaker
from shared.delivery.guarded_client import Gate
from shared.delivery.rate_limits import Pace
from shared.jobs.dispatcher import Dispatcher
from shared.jobs.redrive import EVENT_GRID_DEAD_LETTERS, Collector
from shared.model.pending import Parked, read_parked
from shared.sources import blob_poison, event_queue
from shared.sources.message_body import decode_body
from shared.storage.accounts import StorageAccount
from shared.storage.dead_letters import CONTAINER, DeadLetters
from shared.storage.outbox import QUEUE, Parking
from shared.trigger import Trigger
from tests.support.fakes import FakeAirflow, FakeLanding, Stage

_QUEUES = (QUEUE, blob_poison.QUEUE, f"{event_queue.QUEUE}-poison")


@dataclass(kw_only=True)
class Yard(Stage):
    """The trigger module between a fake Airflow and real queues."""

    account: StorageAccount
    landing: FakeLanding = field(default_factory=FakeLanding)
    visibility_seconds: int = 300
    caps: dict[str, Any] = field(
        default_factory=lambda: {"max_runs_per_minute": None, "max_queued_runs": None}
    )

    def __post_init__(self) -> None:
        self.parking = Parking(self.account.queues, visibility_seconds=self.visibility_seconds)
        self.dead_letters = DeadLetters(self.account.blobs, self.log)
        breakers = (
            airflow_breaker(self.log, self.clock.timing),
            credentials_breaker(self.log, self.clock.timing),
        )
        self.gate = Gate(self.airflow, breakers, max_concurrency=4)

    @property
    def trigger(self) -> Trigger:
        """The module with the gate and real dead letters."""
        rules = super().trigger._rules
        return Trigger(
            routes=self.table, airflow=self.gate, graveyard=self.dead_letters, log=self.log, rules=rules
        )

    def dispatcher(self, **changes: Any) -> Dispatcher:
        """Give a dispatcher; two of them share everything but their clocks' sleeps."""
        parts: dict[str, Any] = {
            "parking": self.parking,
            "trigger": self.trigger,
            "intake": self.intake(self.landing),
            "dead_letters": self.dead_letters,
            "gate": self.gate,
            "pace": Pace(self.gate, **self.caps, clock=self.clock),
            "log": self.log,
            "parallelism": 4,
            "timing": self.clock.timing,
        }
        return Dispatcher(**(parts | changes))

    def collector(self, *, by_event: bool = True) -> Collector:
        """Give a collector for the functions of the app."""
        return Collector(
            landing_queues=self.account.queues,
            host_queues=self.account.queues,
            host_blobs=self.account.blobs,
            parking=self.parking,
            dead_letters=self.dead_letters,
            log=self.log,
            functions={"blob_to_dag"},
            watched="landing",
            by_event=by_event,
            timing=self.clock.timing,
        )

    def waiting(self) -> list[Parked]:
        """Look at what is parked and due, without touching it."""
        queue = self.account.queues.get_queue_client(QUEUE)
        try:
            return [
                read_parked(decode_body(m.content).decode()) for m in queue.peek_messages(max_messages=32)
            ]
        except ResourceNotFoundError:
            return []

    def count(self, queue: str = QUEUE) -> int:
        """Count messages, hidden ones too."""
        try:
            return (
                self.account.queues.get_queue_client(queue).get_queue_properties().approximate_message_count
                or 0
            )
        except ResourceNotFoundError:
            return 0

    def letters(self) -> dict[str, bytes]:
        """Read all dead letters."""
        container = self.account.blobs.get_container_client(CONTAINER)
        try:
            return {name: container.download_blob(name).readall() for name in container.list_blob_names()}
        except ResourceNotFoundError:
            return {}


@pytest.fixture
def yard(azurite: Azurite) -> Yard:
    """Give the stage with everything of earlier tests gone."""
    connection = StorageConnection(name="AzureWebJobsStorage", connection_string=azurite.connection_string)
    account = StorageAccount(connection, threads=8)
    for queue in _QUEUES:
        _forget(lambda queue=queue: account.queues.delete_queue(queue))
    for container in (CONTAINER, EVENT_GRID_DEAD_LETTERS):
        _forget(lambda container=container: account.blobs.delete_container(container))
    return Yard(account=account, airflow=FakeAirflow())


def _forget(delete: Any) -> None:
    try:
        delete()
    except ResourceNotFoundError:
        return
