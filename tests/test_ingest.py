"""Every way in: the blob trigger brings a name, the event queue an event; what is missing is fetched."""

import json
from typing import Any

import pytest

from shared.model.errors import BadEvent, CopyPending, StorageUnavailable
from shared.model.lane import NEW
from shared.model.pending import Pending
from shared.storage.tables import Entity
from tests.sources.test_event_grid import cloud_event, event_grid
from tests.support.fakes import routes
from tests.support.harness import OutboxHarness
from tests.support.samples import blob_event

WITH_HEAD = '[[route]]\nname = "r"\nmatch = "**"\ndag_id = "d"\nhead = true\n'


def _harness(toml: str = "", **blobs: Any) -> OutboxHarness:
    harness = OutboxHarness(routes(toml))
    harness.storage.reader.blobs.update(blobs)
    return harness


def _by_name(harness: OutboxHarness, name: str = "a") -> None:
    harness.ingest.take(Pending(container="landing", name=name), traceparent="00-1")


def _message(harness: OutboxHarness, message: Any) -> None:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    harness.ingest.take_message(body, traceparent="00-1")


def _renamed(name: str = "new") -> dict[str, Any]:
    event = event_grid(destinationUrl=f"https://acct.blob.core.windows.net/landing/{name}")
    event["eventType"] = "Microsoft.Storage.BlobRenamed"
    return event


def test_blob_is_looked_at_once_and_its_run_started() -> None:
    """One HEAD for each event of the blob trigger."""
    harness = _harness(a=blob_event(name="a"))

    _by_name(harness)

    assert harness.storage.reader.looks == ["a"]
    assert harness.sent == ["a"]


def test_blob_that_is_gone_starts_nothing_and_fails_nothing() -> None:
    """Deleted before its event was handled: counted, no run, no retry."""
    harness = _harness()

    _by_name(harness)

    assert harness.airflow.calls == []
    assert harness.log.counts == {"blob.gone": 1}


def test_blob_that_cannot_be_looked_at_waits_by_name() -> None:
    """Which version it is shows when storage answers again."""
    harness = _harness(a=blob_event(name="a"))
    harness.storage.reader.error = StorageUnavailable("down")
    _by_name(harness)
    [row] = harness.waiting
    assert (row["PartitionKey"], row["name"]) == (NEW.key, "a")
    assert "event" not in row

    harness.storage.reader.error = None
    harness.pass_time(60)
    assert harness.sent == ["a"]
    assert harness.waiting == []


def test_pending_copy_waits_by_name() -> None:
    """Its end changes the ETag, so it is another version then."""
    harness = _harness(a=blob_event(name="a"))
    harness.storage.reader.error = CopyPending("x")

    _by_name(harness)

    [row] = harness.waiting
    assert row["reason"] == "copy_pending"
    assert "event" not in row


def test_blob_that_cannot_be_becomes_a_dead_letter() -> None:
    """Storage says that there can be no such name: asking again cannot help."""
    harness = _harness()
    harness.storage.reader.error = BadEvent("no such container name")

    _by_name(harness)

    assert [letter["reason"] for letter in harness.dead] == ["bad_event"]


def test_event_that_can_be_neither_delivered_nor_kept_fails() -> None:
    """So that it comes again."""
    harness = _harness()
    harness.storage.reader.error = StorageUnavailable("down")

    def fault(name: str, entity: Entity | None) -> None:
        msg = "down"
        raise StorageUnavailable(msg)

    harness.storage.outbox.faults.append(fault)

    with pytest.raises(StorageUnavailable):
        _by_name(harness)


@pytest.mark.parametrize("make", [event_grid, cloud_event])
def test_event_of_the_queue_starts_its_run_without_a_call_to_storage(make: Any) -> None:
    """Size and ETag come from the event."""
    harness = _harness()

    _message(harness, make())

    [run] = harness.airflow.calls
    assert (run.conf["size"], run.conf["etag"], run.conf["traceparent"]) == (7, "0x8DD", "00-1")
    assert harness.storage.reader.looks == []


def test_each_event_of_the_queue_is_a_run_even_of_an_overwritten_version() -> None:
    """Queue mode gives each event its run."""
    harness = _harness()

    _message(harness, [event_grid(eTag="0x1"), event_grid(eTag="0x2"), event_grid(eTag="0x2")])

    assert len(harness.airflow.runs) == 2


def test_route_that_asks_for_a_head_gets_its_facts() -> None:
    """Metadata are not in the event; the event keeps its own order."""
    current = blob_event(etag="0x8DD", metadata={"k": "v"}, last_modified=blob_event().event_time)
    harness = _harness(WITH_HEAD, **{"orders/a b.csv": current})

    _message(harness, event_grid())

    [run] = harness.airflow.calls
    assert run.conf["metadata"] == {"k": "v"}
    assert run.conf["sequencer"] == "0001"


@pytest.mark.parametrize("now", [None, blob_event(etag="newer", metadata={"k": "v"})])
def test_facts_of_another_version_stay_out(now: Any) -> None:
    """Overwritten or deleted since: the event's own version runs with what the event tells."""
    harness = _harness(WITH_HEAD)
    if now:
        harness.storage.reader.blobs["orders/a b.csv"] = now

    _message(harness, event_grid())

    [run] = harness.airflow.calls
    assert run.conf["etag"] == "0x8DD"
    assert "metadata" not in run.conf


def test_renamed_blob_is_looked_at_under_its_new_name() -> None:
    """Its event has no ETag."""
    harness = _harness(new=blob_event(name="new"))

    _message(harness, _renamed())

    assert harness.storage.reader.looks == ["new"]
    assert harness.sent == ["new"]


def test_renamed_blob_that_is_gone_is_logged() -> None:
    """Deleted or renamed again before it was looked at."""
    harness = _harness()

    _message(harness, _renamed())

    assert harness.log.counts == {"blob.gone": 1}


def test_event_waits_with_its_own_facts_when_storage_does_not_answer() -> None:
    """They are not asked for again."""
    harness = _harness(WITH_HEAD)
    harness.storage.reader.error = StorageUnavailable("down")

    _message(harness, event_grid())

    [row] = harness.waiting
    assert (row["PartitionKey"], row["api"]) == (NEW.key, "PutBlob")
    assert "0x8DD" in row["event"]


def test_message_that_nobody_can_read_becomes_a_dead_letter() -> None:
    """And the invocation succeeds: the platform's poison queue would forget it."""
    harness = _harness()

    _message(harness, b"garbage")

    assert [letter["body"] for letter in harness.dead] == [b"garbage"]


def test_events_that_can_be_read_are_delivered_beside_one_that_cannot() -> None:
    """The whole message is kept, too: nobody can say what the rest was worth."""
    harness = _harness()
    body = json.dumps([event_grid("a"), {"eventType": "Microsoft.Storage.BlobCreated"}, event_grid("b")])

    _message(harness, body.encode())

    assert harness.sent == ["a", "b"]
    assert [letter["body"] for letter in harness.dead] == [body.encode()]


def test_event_of_another_type_is_passed_over() -> None:
    """The subscription should not have sent it."""
    harness = _harness()

    _message(harness, {**event_grid(), "eventType": "Microsoft.Storage.BlobDeleted"})

    assert harness.log.counts == {"event.ignored": 1}


def test_pending_copy_that_has_ended_since_runs_as_what_is_there() -> None:
    """The event told of a version that was never complete."""
    ended = blob_event(etag="ended", copy_status="success", size=99)
    harness = _harness(WITH_HEAD, **{"orders/a b.csv": ended})

    _message(harness, event_grid(api="CopyBlob", eTag="0x1"))

    [run] = harness.airflow.calls
    assert (run.conf["etag"], run.conf["size"]) == ("ended", 99)
