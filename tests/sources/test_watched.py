"""Only what is watched starts runs, whatever somebody writes into an event."""

from dataclasses import replace

import pytest

from shared.config.storage_connection import StorageConnection
from shared.model.errors import NotWatched
from shared.model.pending import Pending
from shared.sources.watched import Watched
from tests.support.harness import OutboxHarness
from tests.support.samples import blob_event

WATCHED = Watched(endpoint="https://acct.blob.core.windows.net/", containers=lambda: ("landing", "lake"))
EVENT = blob_event(name="a b.csv")
FOREIGN = [
    blob_event(account="other"),
    blob_event(container="private"),
    blob_event(account="acct.evil"),
]


def pending_of(event: object = EVENT, **changes: str) -> Pending:
    """Return an event as a source gives it."""
    event = event or EVENT
    values = {"container": event.container, "name": event.name, **changes}  # type: ignore[attr-defined]
    return Pending(event=event, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("event", FOREIGN)
def test_event_of_another_account_or_container_is_not_ours(event: object) -> None:
    """The queue may be written to by others than Event Grid."""
    with pytest.raises(NotWatched, match="LANDING_PATH"):
        WATCHED.own(pending_of(event))


def test_name_of_another_container_is_not_ours() -> None:
    """As the blob trigger would hand it over."""
    with pytest.raises(NotWatched, match="acct/private, the app watches acct/lake, landing "):
        WATCHED.own(Pending(container="private", name="a.csv"))
    assert WATCHED.own(Pending(container="landing", name="a.csv"))


@pytest.mark.parametrize("changes", [{"container": "landing", "name": "other.csv"}])
def test_event_that_contradicts_itself_is_not_ours(changes: dict[str, str]) -> None:
    """Its version would be another blob's."""
    for pending in (
        pending_of(EVENT, **changes),
        pending_of(replace(EVENT, container="private"), container="landing"),
    ):
        with pytest.raises(NotWatched):
            WATCHED.own(pending)


@pytest.mark.parametrize(
    "url", ["https://acct.evil.example/landing/a%20b.csv", "https://acct.dfs.core.windows.net/x"]
)
def test_address_is_made_from_our_own_endpoint(url: str) -> None:
    """A DAG must not be sent to the host that an event names."""
    own = WATCHED.own(pending_of(replace(EVENT, url=url)))

    assert own.event is not None
    assert own.event.url == "https://acct.blob.core.windows.net/landing/a%20b.csv"


@pytest.mark.parametrize("event", FOREIGN)
def test_foreign_event_starts_nothing_and_is_a_dead_letter(event: object) -> None:
    """The settings may be wrong, and then it is the file that somebody misses."""
    app = OutboxHarness()
    app.ingest.take(pending_of(event))

    assert (app.sent, app.waiting) == ([], [])
    assert [letter["reason"] for letter in app.dead] == ["not_watched"]


def test_foreign_row_without_a_route_starts_nothing() -> None:
    """It was written while the settings could not be read, or comes from a poison queue."""
    app = OutboxHarness()
    app.outbox.park(Pending(container="private", name="a.csv"))
    app.drain()

    assert (app.storage.reader.looks, app.waiting) == ([], [])
    assert [letter["reason"] for letter in app.dead] == ["not_watched"]


def test_run_gets_our_own_address() -> None:
    """In `conf.url`."""
    app = OutboxHarness()
    app.ingest.take(pending_of(replace(EVENT, url="https://acct.evil.example/landing/a%20b.csv")))

    [run] = app.airflow.calls
    assert run.conf["url"] == "https://acct.blob.core.windows.net/landing/a%20b.csv"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("AccountName=Acct;AccountKey=canary", "https://Acct.blob.core.windows.net"),
        ("DefaultEndpointsProtocol=http;AccountName=a;EndpointSuffix=core.chinacloudapi.cn", "http://a.blob.core.chinacloudapi.cn"),
        ("BlobEndpoint=http://127.0.0.1:10000/acct/;AccountKey=canary==", "http://127.0.0.1:10000/acct"),
        ("BlobEndpoint=https://acct.blob.core.windows.net/?sig=canary", "https://acct.blob.core.windows.net"),
        ("canary", ""),
    ],
)  # fmt: skip
def test_endpoint_of_a_connection_string(text: str, url: str) -> None:
    """As the SDK reads it; without its key."""
    assert StorageConnection(name="x", connection_string=text).blob_url == url
