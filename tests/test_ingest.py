"""Every way in: missing properties are fetched, then the event is delivered or kept."""

import json
from typing import Any

import pytest

from shared.model.blob_event import BlobEvent
from shared.model.errors import BadEvent, DagMissing, StorageUnavailable
from shared.model.lane import NEW
from shared.model.pending import Pending
from tests.sources.test_event_grid import cloud_event, event_grid
from tests.support.fakes import routes
from tests.support.harness import DEFAULT, OutboxHarness, failing, well
from tests.support.samples import blob_event

WITH_HEAD = '[[route]]\nname = "r"\nmatch = "**"\ndag_id = "d"\nhead = true\n'
NAME = "a b.csv"


def _blob(harness: OutboxHarness, **changes: Any) -> BlobEvent:
    """Let a blob be there."""
    event = blob_event(**{"name": NAME} | changes)
    harness.storage.reader.blobs[event.name] = event
    return event


def _message(harness: OutboxHarness, body: Any) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    harness.ingest.take_message(data, traceparent="00-1")


def _name(event: dict[str, Any]) -> str:
    return str(event["subject"]).partition("/blobs/")[2]


def _renamed() -> dict[str, Any]:
    event = event_grid(destinationUrl="https://acct.blob.core.windows.net/landing/new")
    return {**event, "eventType": "Microsoft.Storage.BlobRenamed"}


def test_blob_known_by_name_is_looked_at_once_and_its_run_created() -> None:
    """One HEAD for each event of the blob trigger."""
    harness = OutboxHarness()
    _blob(harness)

    harness.ingest.take(Pending(container="landing", name=NAME, traceparent="00-1"))

    assert harness.storage.reader.looks == [NAME]
    [run] = harness.airflow.calls
    assert run.conf["filename"] == NAME
    assert harness.waiting == []


def test_run_of_a_row_has_the_trace_of_the_call_that_observed_the_blob() -> None:
    """Whatever it waited for: the blob's properties, the end of a copy, a DAG."""
    harness = OutboxHarness()
    _blob(harness, copy_status="pending")
    harness.storage.reader.error = StorageUnavailable("down")

    harness.ingest.take(Pending(container="landing", name=NAME, traceparent="00-1"))
    [row] = harness.waiting
    assert row["traceparent"] == "00-1"

    harness.storage.reader.error = None
    harness.pass_time(60)
    assert [row["reason"] for row in harness.waiting] == ["copy_pending"]

    _blob(harness, etag="ended", copy_status="success")
    harness.airflow.answer = failing(DagMissing("not yet"))
    harness.pass_time(300)
    assert [row["dag_id"] for row in harness.waiting] == ["copy_file"]

    harness.airflow.answer = well
    harness.pass_time(600)

    assert [run.conf["traceparent"] for run in harness.airflow.runs.values()] == ["00-1"]


def test_unfinished_copy_keeps_its_trace_from_the_event_to_the_name() -> None:
    """A row that has its version already becomes one by name, and the version's facts go."""
    event = blob_event(traceparent="00-1")
    row = Pending(container="landing", name=event.name, event=event, lane=DEFAULT)

    assert row.by_name().traceparent == "00-1"


def test_blob_that_is_gone_creates_nothing_and_fails_nothing() -> None:
    """Deleted before its event was handled: one line in the log, no retry."""
    harness = OutboxHarness()

    harness.ingest.take(Pending(container="landing", name=NAME))

    assert harness.airflow.calls == []
    assert harness.log.counts == {"blob.gone": 1}


def test_blob_that_cannot_be_looked_at_waits_by_name_and_runs_later() -> None:
    """Which version it is shows when storage answers again."""
    harness = OutboxHarness()
    _blob(harness)
    harness.storage.reader.error = StorageUnavailable("down")

    harness.ingest.take(Pending(container="landing", name=NAME))

    [row] = harness.waiting
    assert (row["PartitionKey"], row["name"], row["reason"]) == (NEW.key, NAME, "storage_unavailable")
    assert "event" not in row

    harness.storage.reader.error = None
    harness.pass_time(60)

    assert len(harness.airflow.runs) == 1
    assert harness.waiting == []


@pytest.mark.parametrize("make", [event_grid, cloud_event])
def test_event_of_the_queue_creates_its_run_without_a_call_to_storage(make: Any) -> None:
    """Size and ETag come from the event."""
    harness = OutboxHarness()

    _message(harness, make())

    [run] = harness.airflow.calls
    assert (run.conf["size"], run.conf["etag"], run.conf["traceparent"]) == (7, "0x8DD", "00-1")
    assert harness.storage.reader.looks == []


def test_each_event_of_the_queue_is_a_run_even_of_an_overwritten_version() -> None:
    """Queue mode gives each event its run; a repeated event gets none."""
    harness = OutboxHarness()

    _message(harness, [event_grid(eTag="0x1"), event_grid(eTag="0x2"), event_grid(eTag="0x2")])

    assert len(harness.airflow.runs) == 2


def test_route_that_asks_for_a_head_gets_its_properties() -> None:
    """Metadata are not in the event; time and sequencer are the event's."""
    harness = OutboxHarness(routes(WITH_HEAD))
    moment = blob_event().event_time
    _blob(harness, name=_name(event_grid()), etag="0x8DD", metadata={"k": "v"}, last_modified=moment)

    _message(harness, event_grid())

    assert harness.airflow.calls[0].conf["metadata"] == {"k": "v"}
    assert harness.airflow.calls[0].conf["sequencer"] == "0001"


@pytest.mark.parametrize("now", [None, {"etag": "newer", "metadata": {"k": "v"}}])
def test_properties_of_another_version_stay_out(now: Any) -> None:
    """Overwritten or deleted since: the event's own version runs with what the event has."""
    harness = OutboxHarness(routes(WITH_HEAD))
    if now:
        _blob(harness, name=_name(event_grid()), **now)

    _message(harness, event_grid())

    [run] = harness.airflow.calls
    assert run.conf["etag"] == "0x8DD"
    assert "metadata" not in run.conf


def test_renamed_blob_is_looked_at_under_its_new_name() -> None:
    """Its event has no ETag."""
    harness = OutboxHarness()
    _blob(harness, name="new")

    _message(harness, _renamed())

    assert harness.storage.reader.looks == ["new"]
    assert len(harness.airflow.runs) == 1


def test_renamed_blob_that_is_gone_is_logged() -> None:
    """Deleted or renamed again before it was looked at."""
    harness = OutboxHarness()

    _message(harness, _renamed())

    assert harness.log.counts == {"blob.gone": 1}


def test_event_of_the_queue_waits_with_its_version_when_storage_does_not_answer() -> None:
    """Its own properties are not asked for again."""
    harness = OutboxHarness(routes(WITH_HEAD))
    harness.storage.reader.error = StorageUnavailable("down")

    _message(harness, event_grid())

    [row] = harness.waiting
    assert (row["PartitionKey"], row["etag"], row["api"]) == (NEW.key, "0x8DD", "PutBlob")


def test_message_that_cannot_be_read_is_a_dead_letter() -> None:
    """And the invocation succeeds: the platform's poison queue would forget it after seven days."""
    harness = OutboxHarness()

    _message(harness, b"garbage")

    [letter] = harness.dead
    assert (letter["PartitionKey"], letter["body"]) == ("unreadable", b"garbage")


def test_event_of_another_type_is_ignored() -> None:
    """The subscription should not have sent it."""
    harness = OutboxHarness()

    _message(harness, {**event_grid(), "eventType": "Microsoft.Storage.BlobDeleted"})

    assert harness.log.counts == {"event.ignored": 1}


def test_events_that_can_be_read_are_delivered_beside_one_that_cannot() -> None:
    """The whole message is kept, too: the rest may be worth something."""
    harness = OutboxHarness()
    events = [event_grid("a"), {"eventType": "Microsoft.Storage.BlobCreated"}, event_grid("b")]
    body = json.dumps(events).encode()

    _message(harness, body)

    assert {run.conf["filename"] for run in harness.airflow.calls} == {"a", "b"}
    assert [letter["body"] for letter in harness.dead] == [body]


def test_pending_copy_waits_by_name_and_runs_as_what_is_there_in_the_end() -> None:
    """Its size and content are not final, and its end changes the ETag."""
    harness = OutboxHarness()
    _blob(harness, etag="begun", copy_status="pending")

    harness.ingest.take(Pending(container="landing", name=NAME))
    assert [row["reason"] for row in harness.waiting] == ["copy_pending"]
    harness.pass_time(120)
    assert harness.airflow.calls == []

    _blob(harness, etag="ended", copy_status="success", size=99)
    harness.pass_time(300)

    [run] = harness.airflow.runs.values()
    assert (run.conf["etag"], run.conf["size"]) == ("ended", 99)
    assert harness.waiting == []


def test_copy_that_has_ended_before_its_event_is_handled_runs_as_what_is_there() -> None:
    """The event is of a version that was never complete."""
    harness = OutboxHarness()
    event = event_grid(api="CopyBlob", eTag="0x1")
    _blob(harness, name=_name(event), etag="ended", copy_status="success", size=99)

    _message(harness, event)

    [run] = harness.airflow.calls
    assert (run.conf["etag"], run.conf["size"]) == ("ended", 99)


def test_blob_that_cannot_exist_is_a_dead_letter() -> None:
    """Asking storage again cannot help."""
    harness = OutboxHarness(routes(WITH_HEAD))
    harness.storage.reader.error = BadEvent("no such container name")

    _message(harness, event_grid())

    assert [letter["reason"] for letter in harness.dead] == ["bad_event"]
    assert harness.waiting == []


def test_event_that_can_be_written_nowhere_fails_the_invocation() -> None:
    """The platform's own retries take over."""
    harness = OutboxHarness()
    harness.storage.reader.error = StorageUnavailable("down")

    def refuse(_operation: str, _entity: object) -> None:
        msg = "the table, too"
        raise StorageUnavailable(msg)

    harness.storage.outbox.faults.append(refuse)

    with pytest.raises(StorageUnavailable, match="the table, too"):
        harness.ingest.take(Pending(container="landing", name=NAME))
