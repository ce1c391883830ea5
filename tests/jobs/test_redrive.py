"""The collector: what the platform gave up on comes back, what belongs to others stays."""

import json

import pytest
from tests.delivery.conftest import Yard

from local.azurite import ACCOUNT_KEY
from shared.config.storage_connection import StorageConnection
from shared.jobs.redrive import EVENT_GRID_DEAD_LETTERS
from shared.sources import blob_poison, event_queue
from shared.sources.message_body import encode_body
from shared.storage.accounts import StorageAccount
from tests.sources.test_event_grid import cloud_event, event_grid

pytestmark = pytest.mark.stack

EVENT_POISON = f"{event_queue.QUEUE}-poison"


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


def _send(yard: Yard, queue: str, *texts: str) -> None:
    client = yard.account.queues.get_queue_client(queue)
    if not yard.count(queue):
        client.create_queue()
    for text in texts:
        client.send_message(encode_body(text))


def _dequeue_counts(yard: Yard, queue: str) -> list[int]:
    messages = yard.account.queues.get_queue_client(queue).peek_messages(max_messages=32)
    return [message.dequeue_count or 0 for message in messages]


@pytest.mark.fault("poison messages of ours", airflow="fake")
def test_poison_message_of_ours_is_looked_at_again(yard: Yard) -> None:
    """The host gave up after five attempts; we do not."""
    _send(yard, blob_poison.QUEUE, _poison("ü b.csv"))

    assert yard.collector().run() == 1
    [parked] = yard.waiting()
    assert (parked.path, parked.event) == ("landing/ü b.csv", None)
    assert yard.count(blob_poison.QUEUE) == 0


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
)
@pytest.mark.fault("foreign poison messages", airflow="fake")
def test_poison_message_of_another_app_is_not_touched(yard: Yard, foreign: str) -> None:
    """The queue belongs to every app on the landing account: not even received."""
    _send(yard, blob_poison.QUEUE, foreign)

    for _ in range(3):
        yard.collector().run()

    assert _dequeue_counts(yard, blob_poison.QUEUE) == [0]
    assert yard.waiting() == []


def test_poison_messages_of_ours_behind_many_foreign_ones_are_found(yard: Yard) -> None:
    """Looking shows thirty-two only; the rest is looked through, but not again and again."""
    _send(yard, blob_poison.QUEUE, *[_poison(function="Host.Functions.other")] * 40, _poison())
    collector = yard.collector()

    assert collector.run() == 1
    assert yard.count(blob_poison.QUEUE) == 40

    _show_again(yard)
    collector.run()
    assert _dequeue_counts(yard, blob_poison.QUEUE) == [1] * 32  # by putting them there, not by the collector

    yard.clock.now += 3_600
    collector.run()
    assert _dequeue_counts(yard, blob_poison.QUEUE) == [1] * 32  # as many as at the last look: none are ours


def _show_again(yard: Yard) -> None:
    """Let the foreign messages be seen now, as they would be after a minute: put them there anew."""
    queue = yard.account.queues.get_queue_client(blob_poison.QUEUE)
    queue.clear_messages()
    for _ in range(40):
        queue.send_message(encode_body(_poison(function="Host.Functions.other")))
    for page in range(2):
        for message in queue.receive_messages(max_messages=32 if page == 0 else 8, visibility_timeout=1):
            queue.update_message(message, visibility_timeout=0)


def test_poison_message_of_ours_that_names_no_blob_becomes_a_dead_letter(yard: Yard) -> None:
    """Kept byte for byte."""
    broken = _poison(BlobName=None)
    _send(yard, blob_poison.QUEUE, broken)

    yard.collector().run()

    assert list(yard.letters().values()) == [broken.encode()]
    assert yard.count(blob_poison.QUEUE) == 0


def test_poison_messages_of_the_event_queue_come_back_as_events(yard: Yard) -> None:
    """With the version that each told of; garbage becomes a dead letter."""
    _send(yard, EVENT_POISON, json.dumps(event_grid("a")), json.dumps([cloud_event("b")]), "garbage")

    assert yard.collector().run() == 2
    assert {(parked.name, parked.event and parked.event.etag) for parked in yard.waiting()} == {
        ("a", "0x8DD"),
        ("b", "0x8DD"),
    }
    assert list(yard.letters().values()) == [b"garbage"]
    assert yard.count(EVENT_POISON) == 0


@pytest.mark.parametrize("by_event", [True, False])
def test_dead_letters_of_event_grid_come_back(yard: Yard, by_event: bool) -> None:  # noqa: FBT001
    """As events in queue mode, as blobs to look at where the blob trigger is used."""
    container = yard.account.blobs.create_container(EVENT_GRID_DEAD_LETTERS)
    letter = {**event_grid("a"), "deadLetterReason": "MaxDeliveryAttemptsExceeded", "deliveryAttempts": 30}
    container.upload_blob("topic/2026/11/21/1.json", json.dumps([letter, event_grid("b")]))
    container.upload_blob("topic/2026/11/21/2.json", b"garbage")

    assert yard.collector(by_event=by_event).run() == 2
    waiting = yard.waiting()
    assert {parked.name for parked in waiting} == {"a", "b"}
    assert all((parked.event is not None) == by_event for parked in waiting)
    assert list(yard.letters().values()) == [b"garbage"]
    assert list(container.list_blob_names()) == []


def test_collected_events_are_delivered(yard: Yard) -> None:
    """The whole way back."""
    _send(yard, EVENT_POISON, json.dumps(event_grid("a")))

    yard.collector().run()
    yard.dispatcher().run()

    assert [run.conf["filename"] for run in yard.airflow.runs.values()] == ["a"]


def test_place_that_fails_is_left_for_later() -> None:
    """The others are collected all the same, and the log says which failed."""
    text = (
        f"AccountName=a;AccountKey={ACCOUNT_KEY};"
        "BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a;"
    )
    yard = Yard(account=StorageAccount(StorageConnection(name="x", connection_string=text), threads=1))

    assert yard.collector().run() == 0
    assert yard.log.counts == {"collector.failed": 3}


def test_places_that_are_not_there_hold_nothing(yard: Yard) -> None:
    """A new account."""
    assert yard.collector().run() == 0
    assert yard.log.counts == {}


def test_one_bad_message_keeps_nothing_else_from_coming_back(yard: Yard) -> None:
    """An event that does not fit into a message of ours is buried; the next one is parked."""
    huge = event_grid("huge", contentType="x" * 9_000, sequencer="y" * 9_000)
    _send(yard, EVENT_POISON, json.dumps(huge), json.dumps(event_grid("a")))

    assert yard.collector().run() == 1
    assert [parked.name for parked in yard.waiting()] == ["a"]
    assert list(yard.letters().values()) == [json.dumps(huge).encode()]
    assert yard.count(EVENT_POISON) == 0
