"""The redrive: what the platform gave up on comes back, what belongs to others stays."""

import base64
import json
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobClient

from local.azurite import ACCOUNT_KEY
from shared.config.storage_connection import StorageConnection
from shared.event_log import EventLog
from shared.ingest import EVENT_QUEUE
from shared.jobs.redrive import EVENT_GRID_DEAD_LETTERS, Redrive
from shared.model.errors import StorageUnavailable
from shared.sources import blob_poison
from shared.storage.accounts import StorageAccount
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Outbox
from shared.storage.tables import Entity
from tests.sources.test_event_grid import cloud_event, event_grid
from tests.support.clock import FakeClock
from tests.support.table import Fault, MemoryTable

pytestmark = pytest.mark.stack

EVENT_POISON = f"{EVENT_QUEUE}-poison"
NOWHERE = (
    f"AccountName=a;AccountKey={ACCOUNT_KEY};BlobEndpoint=http://127.0.0.1:1/a;"
    "QueueEndpoint=http://127.0.0.1:1/a;TableEndpoint=http://127.0.0.1:1/a;"
)
SECONDS = 30.0


class Stage:
    """The redrive between real queues and letters, and tables in memory."""

    def __init__(self, connection_string: str, *, by_event: bool = True) -> None:
        self.account = StorageAccount(
            StorageConnection(name="x", connection_string=connection_string), threads=2
        )
        self.log = EventLog()
        self.clock = FakeClock()
        self.outbox = MemoryTable()
        self.dead = MemoryTable()
        self.redrive = Redrive(
            landing_queues=self.account.queues,
            host_queues=self.account.queues,
            host_blobs=self.account.blobs,
            outbox=Outbox(self.outbox, now=self.clock.time),
            dead_letters=DeadLetters(self.dead, self.log, now=self.clock.time),
            log=self.log,
            functions={"blob_to_dag"},
            watched={"landing", "lake"}.__contains__,
            by_event=by_event,
            timing=self.clock.timing(redrive_visibility_seconds=1),
        )

    def run(self, seconds: float = SECONDS) -> int:
        """Empty all places."""
        return self.redrive.run(self.clock() + seconds)

    def send(self, queue: str, *bodies: str) -> None:
        """Put messages into a queue, as the host writes them."""
        client = self.account.queues.get_queue_client(queue)
        if self.count(queue) is None:
            client.create_queue()
        for body in bodies:
            client.send_message(base64.b64encode(body.encode()).decode("ascii"))

    def count(self, queue: str) -> int | None:
        """Count messages, hidden ones too; None where there is no queue."""
        client = self.account.queues.get_queue_client(queue)
        try:
            return client.get_queue_properties().approximate_message_count
        except ResourceNotFoundError:
            return None

    def letter(self, name: str, body: bytes | str) -> None:
        """Let Event Grid leave a letter."""
        container = self.account.blobs.get_container_client(EVENT_GRID_DEAD_LETTERS)
        if not container.exists():
            container.create_container()
        container.upload_blob(name, body)

    @property
    def letters(self) -> list[str]:
        """The names of Event Grid's letters."""
        container = self.account.blobs.get_container_client(EVENT_GRID_DEAD_LETTERS)
        return list(container.list_blob_names())

    @property
    def waiting(self) -> list[tuple[str, bool]]:
        """The names of the blobs that wait, and whether their version is known."""
        return [(row["name"], "event" in row) for row in self.outbox.events()]

    @property
    def kept(self) -> list[bytes]:
        """The bodies that cannot be read."""
        return [row["body"] for row in self.dead.rows.values()]


@pytest.fixture
def stage(storage_account: str) -> Stage:
    """Yield a stage on an account of its own."""
    return Stage(storage_account)


def _poison(name: str = "a.csv", function: str = "Host.Functions.blob_to_dag", **changes: object) -> str:
    message = {
        "Type": "BlobTrigger",
        "FunctionId": function,
        "BlobType": "BlockBlob",
        "ContainerName": "landing",
        "BlobName": name,
        "ETag": '"0x8D96060BDA19D9D"',
    }
    return json.dumps(message | changes, indent=2)


def _fails(*args: object, **options: object) -> Any:
    msg = "no"
    raise HttpResponseError(msg)


def _refuses(column: str, value: str = "") -> Fault:
    """Refuse to write rows that have a column, or a value in it."""

    def fault(name: str, entity: Entity | None) -> None:
        if entity is not None and (entity.get(column) == value if value else column in entity):
            msg = "down"
            raise StorageUnavailable(msg)

    return fault


@pytest.mark.fault("poison messages of ours", airflow="fake")
def test_poison_message_of_ours_is_looked_at_again(stage: Stage) -> None:
    """The host gave up after five attempts; we do not."""
    stage.send(blob_poison.QUEUE, _poison("ü b.csv"))

    assert stage.run() == 1
    assert stage.waiting == [("ü b.csv", False)]
    assert stage.count(blob_poison.QUEUE) == 0


@pytest.mark.parametrize(
    "foreign",
    [
        _poison(function="Host.Functions.other"),
        "garbage",
        "{}",
        "[]",
        _poison(function="x.blob_to_dag2"),
        "7",
        _poison(ContainerName="elsewhere"),
        "[" * 40_000,
    ],
    ids=range(8),
)
@pytest.mark.fault("foreign poison messages", airflow="fake")
def test_poison_message_of_another_app_is_not_touched(stage: Stage, foreign: str) -> None:
    """The queue belongs to every app on the landing account: not even received."""
    stage.send(blob_poison.QUEUE, foreign)

    for _ in range(3):
        stage.run()

    queue = stage.account.queues.get_queue_client(blob_poison.QUEUE)
    assert [message.dequeue_count for message in queue.peek_messages()] == [0]
    assert stage.waiting == []


def test_poison_messages_of_ours_behind_many_foreign_ones_are_found(stage: Stage) -> None:
    """Looking shows thirty-two only; the rest is looked through, but not again and again."""
    stage.send(blob_poison.QUEUE, *[_poison(function="Host.Functions.other")] * 40, _poison())
    received = []
    receive = stage.redrive._blob_poison.receive_messages

    def count(**options: Any) -> Any:
        received.append(1)
        return receive(**options)

    stage.redrive._blob_poison.receive_messages = count  # type: ignore[method-assign]
    assert stage.run() == 1
    assert stage.count(blob_poison.QUEUE) == 40
    looked = len(received)

    stage.redrive._blob_poison.peek_messages = lambda **_: [_Message()] * 32  # type: ignore[method-assign]
    stage.run()
    assert len(received) == looked  # not again within an hour

    stage.clock.now += 3_600
    stage.run()
    assert len(received) == looked  # as many as at the last look: none are ours


class _Message:
    """A message of another app."""

    content = base64.b64encode(_poison(function="Host.Functions.other").encode()).decode()


@pytest.mark.parametrize("name", [None, "", "\ud800"])
def test_poison_message_of_ours_that_names_no_blob_becomes_a_dead_letter(
    stage: Stage, name: str | None
) -> None:
    """Kept byte for byte."""
    broken = _poison(BlobName=name)
    stage.send(blob_poison.QUEUE, broken)

    stage.run()

    assert stage.kept == [broken.encode()]
    assert stage.count(blob_poison.QUEUE) == 0


def test_poison_messages_of_the_event_queue_come_back_as_events(stage: Stage) -> None:
    """With the version that each told of; garbage becomes a dead letter."""
    stage.send(EVENT_POISON, json.dumps(event_grid("a")), json.dumps([cloud_event("b")]), "garbage")

    assert stage.run() == 2
    assert sorted(stage.waiting) == [("a", True), ("b", True)]
    assert stage.kept == [b"garbage"]
    assert stage.count(EVENT_POISON) == 0


@pytest.mark.parametrize("by_event", [True, False])
def test_dead_letters_of_event_grid_come_back(storage_account: str, by_event: bool) -> None:  # noqa: FBT001
    """As events in queue mode, as blobs to look at where the blob trigger is used."""
    stage = Stage(storage_account, by_event=by_event)
    letter = {**event_grid("a"), "deadLetterReason": "MaxDeliveryAttemptsExceeded", "deliveryAttempts": 30}
    stage.letter("topic/2026/11/21/1.json", json.dumps([letter, event_grid("b")]))
    stage.letter("topic/2026/11/21/2.json", b"garbage")

    assert stage.run() == 2
    assert sorted(stage.waiting) == [("a", by_event), ("b", by_event)]
    assert stage.kept == [b"garbage"]
    assert stage.letters == []


def test_renamed_event_with_half_of_a_surrogate_pair_becomes_a_dead_letter(stage: Stage) -> None:
    """It could not be written as a row, again and again."""
    event = event_grid("a", destinationUrl="https://acct.blob.core.windows.net/landing/\ud800")
    event["eventType"] = "Microsoft.Storage.BlobRenamed"
    body = json.dumps(event)
    stage.letter("1.json", body)
    stage.letter("2.json", json.dumps(event_grid("b")))

    assert stage.run() == 1
    assert stage.kept == [body.encode()]
    assert stage.letters == []


@pytest.mark.parametrize("operation", ["download_blob", "delete_blob"])
def test_letter_that_cannot_be_read_or_deleted_blocks_no_other(
    stage: Stage, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left alone for an hour: its events are not taken 2,880 times a day."""
    stage.letter("1.json", json.dumps(event_grid("a")))
    stage.letter("2.json", json.dumps(event_grid("b")))
    work = getattr(BlobClient, operation)

    def fail(blob: BlobClient, *args: object, **options: object) -> object:
        return _fails() if blob.blob_name == "1.json" else work(blob, *args, **options)

    monkeypatch.setattr(BlobClient, operation, fail)
    for _ in range(5):
        stage.run()
        stage.clock.now += 30

    assert stage.letters == ["1.json"]
    assert [name for name, _ in stage.waiting] == (["a", "b"] if operation == "delete_blob" else ["b"])
    assert stage.log.counts["redrive.failed"] == 1

    monkeypatch.undo()
    stage.clock.now += 3_600
    stage.run()
    assert stage.letters == []
    assert sorted(name for name, _ in stage.waiting) == ["a", "b"]


def test_many_letters_that_cannot_be_read_block_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred are taken at a time."""
    for number in range(101):
        stage.letter(f"bad/{number:03}", "x")
    stage.letter("good", json.dumps(event_grid("a")))
    download = BlobClient.download_blob

    def fail(blob: BlobClient, *args: Any, **options: Any) -> object:
        return _fails() if blob.blob_name.startswith("bad") else download(blob, *args, **options)

    monkeypatch.setattr(BlobClient, "download_blob", fail)
    stage.run()
    stage.run()

    assert [name for name, _ in stage.waiting] == ["a"]


def test_letter_that_is_too_large_stays_where_it_is(stage: Stage) -> None:
    """The dead row points at it; two of them are two."""
    stage.letter("1.json", b"x" * 600_000)
    stage.letter("2.json", b"x" * 600_000)

    stage.run()
    stage.clock.now += 7_200
    stage.run()

    assert stage.letters == ["1.json", "2.json"]
    assert sorted(row["where"] for row in stage.dead.rows.values()) == ["1.json", "2.json"]
    assert stage.log.counts["event.unreadable"] == 2


@pytest.mark.parametrize("place", ["poison", "events", "letters"])
def test_nothing_is_removed_that_could_not_be_kept(stage: Stage, place: str) -> None:
    """Its event comes back when the outbox can be written."""
    stage.outbox.faults.append(_refuses("name"))
    if place == "poison":
        stage.send(blob_poison.QUEUE, _poison("a"))
    elif place == "events":
        stage.send(EVENT_POISON, json.dumps(event_grid("a")))
    else:
        stage.letter("1.json", json.dumps(event_grid("a")))

    assert stage.run() == 0

    if place == "letters":
        assert stage.letters == ["1.json"]
    else:
        assert stage.count(blob_poison.QUEUE if place == "poison" else EVENT_POISON) == 1
    assert stage.waiting == []


@pytest.mark.parametrize("place", ["poison", "events", "letters"])
def test_unreadable_body_is_kept_before_it_is_removed(stage: Stage, place: str) -> None:
    """The only copy of it."""
    stage.dead.faults.append(_refuses("body"))
    if place == "poison":
        stage.send(blob_poison.QUEUE, _poison(BlobName=None))
    elif place == "events":
        stage.send(EVENT_POISON, "garbage")
    else:
        stage.letter("1.json", "garbage")

    stage.run()

    if place == "letters":
        assert stage.letters == ["1.json"]
    else:
        assert stage.count(blob_poison.QUEUE if place == "poison" else EVENT_POISON) == 1


def test_one_message_that_cannot_be_kept_keeps_nothing_else_from_coming_back(stage: Stage) -> None:
    """The next one is moved, and the first stays."""
    stage.send(EVENT_POISON, json.dumps(event_grid("stuck")), json.dumps(event_grid("a")))
    stage.outbox.faults.append(_refuses("name", "stuck"))

    assert stage.run() == 1
    assert stage.waiting == [("a", True)]
    assert stage.count(EVENT_POISON) == 1


def test_place_that_fails_is_left_for_later() -> None:
    """The others are emptied all the same, and the log says which failed."""
    stage = Stage(NOWHERE)

    assert stage.run() == 0
    assert stage.log.counts == {"redrive.failed": 3}


def test_places_that_are_not_there_hold_nothing(stage: Stage) -> None:
    """A new account."""
    assert stage.run() == 0
    assert stage.log.counts == {}


def test_redrive_ends_in_time(stage: Stage) -> None:
    """The drain needs the rest: a table that does not answer costs one row's patience, not a page's."""
    stage.send(EVENT_POISON, *[json.dumps(event_grid(str(number))) for number in range(10)])

    def slow(name: str, entity: Entity | None) -> None:
        stage.clock.now += 20

    stage.outbox.faults.append(slow)
    stage.run()

    assert len(stage.waiting) == 2
    assert stage.count(EVENT_POISON) == 8
