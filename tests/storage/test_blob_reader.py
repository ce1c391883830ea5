"""The properties of a blob, read from a real Azurite."""

import http.client
import time
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import quote, urlsplit

import pytest
from azure.storage.blob import ContainerClient, ContentSettings, generate_container_sas

from local.azurite import ACCOUNT_KEY, ACCOUNT_NAME, Azurite
from shared.config.storage_connection import StorageConnection
from shared.model.errors import StorageUnavailable
from shared.storage import blob_reader
from shared.storage.accounts import StorageAccount
from shared.storage.blob_reader import BlobReader
from tests.support.counting_proxy import CountingProxy, counting_proxy

pytestmark = pytest.mark.stack


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[CountingProxy]:
    """Count what passes between the app and Azurite."""
    with counting_proxy(azurite.blob_port) as proxy:
        yield proxy


@pytest.fixture
def reader(azurite: Azurite, proxy: CountingProxy) -> BlobReader:
    """Return the app's view of Azurite, through the proxy."""
    text = azurite.connection_string.replace(f":{azurite.blob_port}/", f":{proxy.port}/")
    return _reader(text)


def test_listed_blobs_are_the_events_that_a_look_gives(
    reader: BlobReader, landing: ContainerClient, proxy: CountingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So they have the same run ids. A request for each page; new metadata leave the time of creation."""
    for number in range(5):
        landing.upload_blob(f"in/{number}.csv", b"x", metadata={"k": "v"})
    landing.upload_blob("out/a.csv", b"x")
    (before,) = reader.blobs(landing.container_name, "in/0")
    time.sleep(1.1)  # storage tells times in seconds
    landing.get_blob_client("in/0.csv").set_blob_metadata({"k": "w"})
    proxy.reset()

    found = list(reader.blobs(landing.container_name, "in/"))
    assert proxy.methods == {"GET": 1}
    monkeypatch.setattr(blob_reader, "PAGE", 2)
    assert len(list(reader.blobs(landing.container_name, "in/"))) == 5
    assert proxy.methods == {"GET": 4}
    assert found[1].event == reader.read(landing.container_name, "in/1.csv")
    assert found[0].event.metadata == {"k": "w"}
    assert found[0].created == before.created < found[0].event.event_time


def test_container_that_cannot_be_listed_is_storage_trouble(reader: BlobReader) -> None:
    """Nothing counts as missing because of it."""
    with pytest.raises(StorageUnavailable, match="ContainerNotFound"):
        list(reader.blobs("nowhere"))


def test_properties_of_a_blob_come_from_one_head(
    reader: BlobReader, landing: ContainerClient, proxy: CountingProxy
) -> None:
    """Name, size, ETag, type, time and metadata; the content stays where it is."""
    settings = ContentSettings(content_type="text/csv")
    stored = landing.upload_blob("in/a b.csv", b"x" * 1_000, metadata={"k": "v"}, content_settings=settings)

    event = reader.read(landing.container_name, "in/a b.csv")

    assert event is not None
    assert (event.account, event.container, event.name) == (
        ACCOUNT_NAME,
        landing.container_name,
        "in/a b.csv",
    )
    assert event.size == 1_000
    assert event.etag == stored.get_blob_properties().etag.strip('"')
    assert event.content_type == "text/csv"
    assert event.blob_type == "BlockBlob"
    assert event.metadata == {"k": "v"}
    assert event.last_modified == event.event_time
    assert event.event_time.utcoffset() == timedelta(0)
    assert event.url.endswith(f"/{ACCOUNT_NAME}/{landing.container_name}/in/a%20b.csv")
    assert proxy.methods == {"HEAD": 1}
    assert proxy.bytes_down < 1_000


def test_empty_blob_has_size_zero(reader: BlobReader, landing: ContainerClient) -> None:
    """0 is a size, not a missing one."""
    landing.upload_blob("empty", b"")

    event = reader.read(landing.container_name, "empty")

    assert event is not None
    assert event.size == 0


def test_overwritten_blob_is_another_version(reader: BlobReader, landing: ContainerClient) -> None:
    """The ETag tells versions apart, even of the same content."""
    events = []
    for _ in range(2):
        landing.upload_blob("a", b"same", overwrite=True)
        events.append(reader.read(landing.container_name, "a"))

    assert events[0] is not None
    assert events[1] is not None
    assert events[0].etag != events[1].etag


def test_blob_that_is_not_there_is_none(reader: BlobReader, landing: ContainerClient) -> None:
    """Deleted before its event was handled."""
    assert reader.read(landing.container_name, "gone.csv") is None


@pytest.mark.parametrize("name", ["gone.csv", "a/../gone.csv"])
def test_container_that_is_not_there_is_no_gone_blob(reader: BlobReader, name: str) -> None:
    """A wrong LANDING_PATH would lose every event."""
    with pytest.raises(StorageUnavailable, match="LANDING_PATH"):
        reader.read("no-such-container", name)


@pytest.mark.parametrize(
    "name",
    [
        "ü ber.csv", "u\u0308.csv", "😀.csv", 'q"uote\'s.csv', "a%2Fb.csv", "a%25b.csv", "a?b=c&d.csv",
        "a#b.csv", "a+b.csv", "a..b/..c.csv", "x" * 1_024, "~tilde~.csv", "sp ace /x",
    ],
)  # fmt: skip
def test_hostile_name_is_found_under_its_own_name(
    reader: BlobReader, landing: ContainerClient, name: str
) -> None:
    """The name that is asked for is the name that storage has."""
    landing.upload_blob(name, b"12345")
    listed = [blob.name for blob in landing.list_blobs()]

    event = reader.read(landing.container_name, name)

    assert event is not None
    assert (event.name, event.size) == (listed[0], 5)


def test_name_with_dot_segments_is_that_blob_and_not_its_resolution(
    reader: BlobReader, landing: ContainerClient, azurite: Azurite
) -> None:
    """HTTP clients turn `a/../b` into `b`; a HEAD would give the facts of another blob."""
    landing.upload_blob("b", b"another blob")
    _put_raw(azurite, landing, "a/../b", b"123")

    event = reader.read(landing.container_name, "a/../b")

    assert event is not None
    assert (event.name, event.size) == ("a/../b", 3)
    assert reader.read(landing.container_name, "c/../b") is None


def test_name_with_dot_segments_costs_one_page(
    reader: BlobReader, landing: ContainerClient, proxy: CountingProxy
) -> None:
    """A name such as `..` is the beginning of many others."""
    for number in range(101):
        landing.upload_blob(f"..{number:03}", b"")
    proxy.methods.clear()

    assert reader.read(landing.container_name, "..") is None
    assert proxy.methods == {"GET": 1}


def test_unfinished_listing_does_not_say_that_a_blob_is_gone() -> None:
    """Storage may cut a page where a partition ends."""

    class Pages:
        continuation_token = "more"

        def __iter__(self) -> "Pages":
            return self

        def __next__(self) -> list[object]:
            return []

    reader = _reader(
        f"AccountName=a;AccountKey={ACCOUNT_KEY};BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a;"
    )
    listing = SimpleNamespace(by_page=Pages)
    container = SimpleNamespace(list_blobs=lambda **_: listing)
    reader._service = SimpleNamespace(get_container_client=lambda _: container)  # type: ignore[assignment]

    with pytest.raises(StorageUnavailable, match="unfinished listing"):
        reader.read("landing", "a/../b")


def test_storage_that_is_down_is_worth_another_try(proxy: CountingProxy) -> None:
    """Nothing was sent to Airflow; the account is named."""
    text = (
        f"AccountName=a;AccountKey={ACCOUNT_KEY};"
        "BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a;"
    )
    reader = _reader(text)

    with pytest.raises(StorageUnavailable, match="LandingStorage cannot be reached"):
        reader.read("landing", "a.csv")


def test_refused_identity_is_named(azurite: Azurite, landing: ContainerClient) -> None:
    """The message says what to look at; it holds no key."""
    text = azurite.connection_string.replace(ACCOUNT_KEY, "d3Jvbmc=")
    reader = _reader(text)

    with pytest.raises(StorageUnavailable, match=r"403 .* role on the account of LandingStorage") as caught:
        reader.read(landing.container_name, "a.csv")

    assert "d3Jvbmc" not in str(caught.value)


def _reader(connection_string: str) -> BlobReader:
    connection = StorageConnection(name="LandingStorage", connection_string=connection_string)
    return BlobReader(StorageAccount(connection, threads=4))


def _put_raw(azurite: Azurite, landing: ContainerClient, name: str, data: bytes) -> None:
    """Upload below a path that no HTTP library would send as it is."""
    sas = generate_container_sas(
        ACCOUNT_NAME, landing.container_name, account_key=ACCOUNT_KEY, permission="racw",
        expiry=landing.get_container_properties().last_modified + timedelta(hours=1),
    )  # fmt: skip
    parts = urlsplit(azurite.blob_url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request(
        "PUT",
        f"{parts.path}/{landing.container_name}/{quote(name)}?{sas}",
        body=data,
        headers={"x-ms-blob-type": "BlockBlob", "x-ms-version": "2023-11-03"},
    )
    assert connection.getresponse().status == 201
    connection.close()
