"""The identity of a blob version does not depend on the source."""

from datetime import datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.blob_event import account_from_url, blob_path_from_url, blob_url, canonical_etag
from shared.model.errors import BadEvent
from tests.support.samples import blob_event

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@pytest.mark.parametrize(
    "given",
    ['"0x8D96060BDA19D9D"', "0x8D96060BDA19D9D", 'W/"0x8D96060BDA19D9D"', ' "0x8D96060BDA19D9D" '],
)
def test_etag_of_every_source_is_the_same(given: str) -> None:
    """A HEAD quotes it, a listing and Event Grid do not, a proxy marks it weak."""
    assert canonical_etag(given) == "0x8D96060BDA19D9D"


@pytest.mark.parametrize(
    "url",
    [
        "https://acct.blob.core.windows.net/landing/a.csv",
        "https://ACCT.blob.core.windows.net",
        "https://acct.dfs.core.windows.net/landing/a.csv",
        "https://acct-secondary.blob.core.windows.net/landing/a.csv",
        "https://acct.privatelink.blob.core.windows.net/landing/a.csv",
        "https://acct.z6.blob.storage.azure.net/landing/a.csv?sv=2024&sig=secret",
        "http://127.0.0.1:10000/acct/landing/a.csv",
        "http://[::1]:10000/acct/landing/a.csv",
        "http://localhost:10000/acct",
        "http://azurite:10000/acct/landing/a.csv",
    ],
)
def test_account_of_every_endpoint_is_the_same(url: str) -> None:
    """The host names it in Azure, the path in emulators."""
    assert account_from_url(url) == "acct"


@pytest.mark.parametrize("url", ["", "https://", "http://127.0.0.1:10000/"])
def test_address_without_account_is_a_bad_event(url: str) -> None:
    """An event that names no account names no blob."""
    with pytest.raises(BadEvent, match="has no storage account"):
        account_from_url(url)


@given(name=NAMES, container=st.sampled_from(["landing", "$root", "my-data"]))
@pytest.mark.parametrize("endpoint", ["https://acct.blob.core.windows.net/", "http://127.0.0.1:10000/acct"])
def test_name_survives_its_address(endpoint: str, name: str, container: str) -> None:
    """A name is decoded exactly once, so `%2F` and `%25` in it stay what they are."""
    url = blob_url(endpoint, container, name)

    assert urlsplit(url).query == ""
    assert blob_path_from_url(url) == (container, name)


def test_sas_in_an_endpoint_does_not_get_into_the_address() -> None:
    """A conf must not carry a signature."""
    url = blob_url("https://acct.blob.core.windows.net/?sig=secret", "landing", "a b.csv")

    assert url == "https://acct.blob.core.windows.net/landing/a%20b.csv"


@pytest.mark.parametrize(
    "url", ["https://acct.blob.core.windows.net/landing", "http://127.0.0.1/acct/landing/"]
)
def test_address_without_blob_is_a_bad_event(url: str) -> None:
    """A container is no blob."""
    with pytest.raises(BadEvent, match="is not the address of a blob"):
        blob_path_from_url(url)


@pytest.mark.parametrize("missing", ["account", "container", "name", "etag"])
def test_event_without_a_part_of_its_identity_is_bad(missing: str) -> None:
    """Without it, two versions could not be distinguished."""
    with pytest.raises(BadEvent, match=f"has no {missing}"):
        blob_event(**{missing: ""})


def test_name_with_half_a_surrogate_pair_is_a_bad_event() -> None:
    """It cannot be written as UTF-8, so storage cannot have it, and no database would take it."""
    with pytest.raises(BadEvent, match=r"'a\\ud800'"):
        blob_event(name="a\ud800")


@pytest.mark.parametrize(
    "what", ["url", "version_id", "content_type", "copy_status", "sequencer", "traceparent"]
)
@pytest.mark.parametrize("text", ["\udfff", "x" * 16_001])
def test_text_that_cannot_be_stored_is_a_bad_event(what: str, text: str) -> None:
    """Said where it is read, or the event would be refused by the outbox again and again."""
    with pytest.raises(BadEvent, match=f"event's {what}") as caught:
        blob_event(**{what: text})

    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("size", [-1, 2**63, 10**400])
def test_size_that_no_blob_has_is_a_bad_event(size: int) -> None:
    """It could not be written as JSON."""
    with pytest.raises(BadEvent, match="size is out of range"):
        blob_event(size=size)


@pytest.mark.parametrize("what", ["event_time", "last_modified"])
@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01"])
def test_time_that_utc_does_not_have_is_a_bad_event(what: str, text: str) -> None:
    """Rows sort by UTC."""
    with pytest.raises(BadEvent, match=f"event's {what} .* out of range"):
        blob_event(**{what: datetime.fromisoformat(text)})


@pytest.mark.parametrize("what", ["event_time", "last_modified"])
def test_time_without_a_zone_is_a_bad_event(what: str) -> None:
    """It could be any of a day's hours."""
    with pytest.raises(BadEvent, match=f"event's {what} has no time zone"):
        blob_event(**{what: datetime(2026, 1, 1)})  # noqa: DTZ001
