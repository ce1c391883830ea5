"""The queue variant: the event carries what is needed, storage is asked only for what it lacks."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from shared.sources.event_queue import EventQueueSource

from shared.model.errors import BadEvent, StorageUnavailable
from tests.sources.test_event_grid import cloud_event, event_grid
from tests.support.fakes import FakeLanding, Stage, routes
from tests.support.samples import blob_event

WITH_HEAD = '[[route]]\nname = "r"\nmatch = "**"\ndag_id = "d"\nhead = true\n'


@dataclass
class FakeUnreadable:
    """Remembers what nobody could read."""

    kept: list[bytes] = field(default_factory=list)

    def bury_unreadable(self, body: bytes, error: BadEvent, *, source: str) -> str:
        self.kept.append(body)
        return source


def _handle(stage: Stage, told: Any, landing: FakeLanding | None = None) -> FakeUnreadable:
    unreadable = FakeUnreadable()
    source = EventQueueSource(
        intake=stage.intake(landing or FakeLanding()),
        turn=stage.turn(),
        dead_letters=unreadable,
        log=stage.log,
    )
    source.handle(told if isinstance(told, bytes) else json.dumps(told).encode(), traceparent="00-1")
    return unreadable


@pytest.mark.parametrize("make", [event_grid, cloud_event])
def test_event_starts_its_run_without_a_call_to_storage(make: Any) -> None:
    """Size and ETag come from the event."""
    stage, landing = Stage(), FakeLanding()

    _handle(stage, make(), landing)

    [run] = stage.airflow.calls
    assert (run.conf["size"], run.conf["etag"], run.conf["traceparent"]) == (7, "0x8DD", "00-1")
    assert landing.looks == []


def test_each_event_is_a_run_even_of_an_overwritten_version() -> None:
    """Queue mode gives each event its run."""
    stage = Stage()

    _handle(stage, [event_grid(eTag="0x1"), event_grid(eTag="0x2"), event_grid(eTag="0x2")])

    assert len(stage.airflow.runs) == 2


def test_route_that_asks_for_a_head_gets_its_facts() -> None:
    """Metadata are not in the event."""
    stage = Stage(table=routes(WITH_HEAD))
    landing = FakeLanding(
        event=blob_event(etag="0x8DD", metadata={"k": "v"}, last_modified=blob_event().event_time)
    )

    _handle(stage, event_grid(), landing)

    assert stage.airflow.calls[0].conf["metadata"] == {"k": "v"}
    assert stage.airflow.calls[0].conf["sequencer"] == "0001"


@pytest.mark.parametrize("now", [None, blob_event(etag="newer", metadata={"k": "v"})])
def test_facts_of_another_version_stay_out(now: Any) -> None:
    """Overwritten or deleted since: the event's own version runs with what the event tells."""
    stage = Stage(table=routes(WITH_HEAD))

    _handle(stage, event_grid(), FakeLanding(event=now))

    [run] = stage.airflow.calls
    assert run.conf["etag"] == "0x8DD"
    assert "metadata" not in run.conf


def test_renamed_blob_is_looked_at_under_its_new_name() -> None:
    """Its event has no ETag."""
    stage = Stage()
    event = event_grid(destinationUrl="https://acct.blob.core.windows.net/landing/new")
    event["eventType"] = "Microsoft.Storage.BlobRenamed"
    landing = FakeLanding(event=blob_event(name="new"))

    _handle(stage, event, landing)

    assert landing.looks == [("landing", "new")]
    assert len(stage.airflow.runs) == 1


def test_renamed_blob_that_is_gone_is_logged() -> None:
    """Deleted or renamed again before it was looked at."""
    stage = Stage()
    event = event_grid(destinationUrl="https://acct.blob.core.windows.net/landing/new")
    event["eventType"] = "Microsoft.Storage.BlobRenamed"

    _handle(stage, event)

    assert stage.log.counts == {"blob.gone": 1}


def test_event_waits_when_storage_does_not_answer() -> None:
    """With its own facts: they are not asked for again."""
    stage = Stage(table=routes(WITH_HEAD))

    _handle(stage, event_grid(), FakeLanding(error=StorageUnavailable("down")))

    [(parked, _)] = stage.place.parked
    assert parked.event is not None
    assert (parked.route, parked.api) == (None, "PutBlob")


def test_message_that_nobody_can_read_becomes_a_dead_letter() -> None:
    """And the invocation succeeds: the platform's poison queue would forget it."""
    stage = Stage()

    assert _handle(stage, b"garbage").kept == [b"garbage"]


def test_event_of_another_type_is_passed_over() -> None:
    """The subscription should not have sent it."""
    stage = Stage()

    _handle(stage, {**event_grid(), "eventType": "Microsoft.Storage.BlobDeleted"})

    assert stage.log.counts == {"event.ignored": 1}


def test_events_that_can_be_read_are_delivered_beside_one_that_cannot() -> None:
    """The whole message is kept, too: nobody can say what the rest was worth."""
    stage = Stage()
    body = json.dumps(
        [event_grid("a"), {"eventType": "Microsoft.Storage.BlobCreated"}, event_grid("b")]
    ).encode()

    assert _handle(stage, body).kept == [body]
    assert {run.conf["filename"] for run in stage.airflow.calls} == {"a", "b"}


def test_pending_copy_that_has_ended_since_runs_as_what_is_there() -> None:
    """The event told of a version that was never complete."""
    stage = Stage(table=routes(WITH_HEAD))
    landing = FakeLanding(event=blob_event(etag="ended", copy_status="success", size=99))

    _handle(stage, event_grid(api="CopyBlob", eTag="0x1"), landing)

    [run] = stage.airflow.calls
    assert (run.conf["etag"], run.conf["size"]) == ("ended", 99)


def test_blob_that_cannot_be_is_buried() -> None:
    """Storage says that there can be no such name: asking again cannot help."""
    stage = Stage(table=routes(WITH_HEAD))

    _handle(stage, event_grid(), FakeLanding(error=BadEvent("no such container name")))

    assert [error.code for _, error, _ in stage.graveyard.buried] == ["bad_event"]
