"""Event Grid's events: both schemas, every endpoint, names as storage has them, and no half-read event."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.blob_event import blob_url
from shared.model.errors import BadEvent
from shared.model.run_id import run_id
from shared.sources.event_grid import pending_from_event_grid
from tests.support.samples import blob_event

RECORDED = sorted((Path(__file__).parents[1] / "events").glob("*.json"))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


def event_grid(name: str = "orders/a b.csv", **data: Any) -> dict[str, Any]:
    """Return an event in Event Grid's own schema."""
    facts = {
        "api": "PutBlob", "eTag": "0x8DD", "contentType": "text/csv", "contentLength": 7,
        "blobType": "BlockBlob", "sequencer": "0001",
        "url": blob_url("https://acct.blob.core.windows.net", "landing", name),
    }  # fmt: skip
    return {
        "topic": "/subscriptions/x",
        "subject": f"/blobServices/default/containers/landing/blobs/{name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-11-20T06:04:15.1234567Z",
        "id": "1",
        "data": facts | data,
        "dataVersion": "",
        "metadataVersion": "1",
    }


def cloud_event(name: str = "orders/a b.csv", **data: Any) -> dict[str, Any]:
    """Return the same event as CloudEvents 1.0."""
    event = event_grid(name, **data)
    return {
        "specversion": "1.0",
        "type": event["eventType"],
        "source": "/subscriptions/x",
        "subject": event["subject"],
        "time": event["eventTime"],
        "id": "1",
        "data": event["data"],
    }


def _read(event: object) -> Any:
    [pending] = pending_from_event_grid(json.dumps(event).encode())
    return pending


@pytest.mark.parametrize("make", [event_grid, cloud_event])
def test_created_blob_comes_with_its_version(make: Any) -> None:
    """Size and ETag are the event's own: no call to storage is needed."""
    pending = _read(make())

    event = pending.event
    assert (event.account, event.container, event.name) == ("acct", "landing", "orders/a b.csv")
    assert (event.etag, event.size, event.sequencer, pending.api) == ("0x8DD", 7, "0001", "PutBlob")
    assert event.event_time == datetime(2026, 11, 20, 6, 4, 15, 123456, UTC)
    assert event.url == "https://acct.blob.core.windows.net/landing/orders/a%20b.csv"


@given(name=NAMES)
def test_run_id_is_the_same_from_every_source(name: str) -> None:
    """A HEAD, either schema, either endpoint, an emulator: one version is one run."""
    head = run_id(blob_event(name=name, etag="0x8DD"), route="r")
    dfs = blob_url("https://acct.dfs.core.windows.net", "landing", name)
    emulator = blob_url("http://127.0.0.1:10000/acct", "landing", name)
    sent = [
        event_grid(name),
        cloud_event(name),
        event_grid(name, url=dfs),
        event_grid(name, url=emulator),
        {**event_grid(name), "subject": None},
    ]

    assert {run_id(_read(one).event, route="r") for one in sent} == {head}


def test_endpoint_of_data_lake_becomes_the_blob_endpoint() -> None:
    """A DAG gets an address that the blob SDK takes."""
    pending = _read(event_grid("a", url="https://acct.dfs.core.windows.net/landing/a"))

    assert pending.event.url == "https://acct.blob.core.windows.net/landing/a"


def test_renamed_blob_comes_by_its_new_name_only() -> None:
    """The event has no ETag: the blob is looked at."""
    event = event_grid()
    event["eventType"] = "Microsoft.Storage.BlobRenamed"
    event["data"] = {
        "api": "RenameFile",
        "sourceUrl": "https://acct.dfs.core.windows.net/landing/old%20name",
        "destinationUrl": "https://acct.dfs.core.windows.net/landing/new%20name",
    }

    pending = _read(event)

    assert (pending.path, pending.event, pending.api) == ("landing/new name", None, "RenameFile")


def test_list_gives_each_event_and_other_types_give_nothing() -> None:
    """What the subscription should not have sent is passed over."""
    deleted = {**event_grid(), "eventType": "Microsoft.Storage.BlobDeleted"}
    body = json.dumps([event_grid("a"), deleted, cloud_event("b")]).encode()

    assert [pending.name for pending in pending_from_event_grid(body)] == ["a", "b"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_event_of_every_recorded_uploader_is_read(path: Path) -> None:
    """Real tools, real events."""
    sent = json.loads(path.read_text(encoding="utf-8"))["event"]

    pending = _read(sent)

    assert sent["subject"].endswith(f"/containers/{pending.container}/blobs/{pending.name}")
    assert pending.event.size == sent["data"]["contentLength"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"7", b'"x"', b"[7]", b"{}", b"\xff", b"[{}]",
        b'{"eventType": "Microsoft.Storage.BlobCreated"}',
        json.dumps({**event_grid(), "data": None}).encode(),
        json.dumps({**event_grid(), "eventTime": "2026-11-20T06:04:15"}).encode(),
        json.dumps(event_grid(eTag="")).encode(),
        json.dumps(event_grid(contentLength=-1)).encode(),
        json.dumps(event_grid(contentLength="7")).encode(),
        json.dumps(event_grid(contentLength=True)).encode(),
        json.dumps({**event_grid(url="https://acct.blob.core.windows.net/"), "subject": ""}).encode(),
    ],
)  # fmt: skip
def test_what_is_no_event_is_a_bad_event(body: bytes) -> None:
    """One kind of error, so that it becomes a dead letter."""
    with pytest.raises(BadEvent):
        list(pending_from_event_grid(body))
