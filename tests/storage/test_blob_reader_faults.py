"""What storage may say instead of a blob's properties, and what the app makes of it."""

from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from shared.model.errors import BadEvent, StorageUnavailable
from shared.storage.blob_reader import BlobReader
from tests.storage.conftest import account_of
from tests.support.storage_server import Reply, StorageServer

FACTS = {"Last_Modified": "Fri, 20 Nov 2026 06:30:15 GMT", "ETag": '"0x1"', "x_ms_blob_type": "BlockBlob"}


@pytest.fixture
def reader(service: StorageServer) -> BlobReader:
    """Return a reader of a service that answers as the test says."""
    return BlobReader(account_of(service.connection_string))


def answer(service: StorageServer, status: int, code: str = "", **headers: str) -> None:
    """Let the service answer every request so."""
    codes = {"x_ms_error_code": code} if code else {}
    service.answer = lambda *_: Reply(status=status, headers={**codes, **headers})


def test_only_a_missing_blob_is_gone(reader: BlobReader, service: StorageServer) -> None:
    """Storage says so in its own words."""
    answer(service, 404, "BlobNotFound")

    assert reader.read("landing", "a.csv") is None


@pytest.mark.parametrize("code", ["ContainerNotFound", "ResourceNotFound", "AccountNotFound", ""])
def test_other_404_is_not_a_gone_blob(reader: BlobReader, service: StorageServer, code: str) -> None:
    """A wrong container, a wrong account, or not storage at all: the event waits."""
    answer(service, 404, code)

    with pytest.raises(StorageUnavailable, match=f"no container 'landing' .{code or 'unknown'}"):
        reader.read("landing", "a.csv")


@pytest.mark.parametrize("code", ["InvalidResourceName", "InvalidUri", "OutOfRangeInput"])
def test_name_that_no_blob_can_have_is_a_bad_event(
    reader: BlobReader, service: StorageServer, code: str
) -> None:
    """It comes to nothing, whenever it is tried."""
    answer(service, 400, code)

    with pytest.raises(BadEvent, match=f"can be no blob landing/'a.csv' .{code}"):
        reader.read("landing", "a.csv")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "InvalidHeaderValue"),
        (400, "InvalidQueryParameterValue"),
        (400, ""),
        (403, "AuthorizationPermissionMismatch"),
        (401, "InvalidAuthenticationInfo"),
        (409, "BlobArchived"),
        (412, "ConditionNotMet"),
        (418, ""),
    ],
)
def test_refusal_says_nothing_about_the_blob(
    reader: BlobReader, service: StorageServer, status: int, code: str
) -> None:
    """The event waits, and the message has storage's code and the account's settings."""
    answer(service, status, code)

    with pytest.raises(StorageUnavailable, match=rf"{status} {code or 'unknown'}\).*AzureWebJobsStorage"):
        reader.read("landing", "a.csv")


def test_service_that_stays_busy_is_worth_another_try(reader: BlobReader, service: StorageServer) -> None:
    """After three tries."""
    answer(service, 503, "ServerBusy")

    with pytest.raises(StorageUnavailable, match="503 ServerBusy"):
        reader.read("landing", "a.csv")

    assert len(service.asked) == 3


def test_storage_that_is_down_is_worth_another_try() -> None:
    """Nothing was sent to Airflow; the account is named."""
    reader = BlobReader(account_of(StorageServer(port=1).connection_string))

    with pytest.raises(StorageUnavailable, match="AzureWebJobsStorage cannot be reached"):
        reader.read("landing", "a.csv")


def test_identity_without_a_token_is_worth_another_try(service: StorageServer) -> None:
    """There is no answer then, and no role to give."""
    account = account_of(service.connection_string)

    def send(*_: Any, **__: Any) -> None:
        msg = "ManagedIdentityCredential authentication unavailable"
        raise ClientAuthenticationError(msg)

    account._transport.send = send

    with pytest.raises(StorageUnavailable, match="The app's identity got no token"):
        BlobReader(account).read("landing", "a.csv")


def test_version_without_a_time_is_no_version(reader: BlobReader, service: StorageServer) -> None:
    """The time of the look would give one version two keys in the outbox."""
    answer(service, 200, ETag='"0x1"')

    with pytest.raises(StorageUnavailable, match="no Last-Modified"):
        reader.read("landing", "a.csv")


def test_version_without_an_etag_is_a_bad_event(reader: BlobReader, service: StorageServer) -> None:
    """It could not be told from the next one."""
    answer(service, 200, **(FACTS | {"ETag": ""}))

    with pytest.raises(BadEvent, match="no etag"):
        reader.read("landing", "a.csv")


def test_facts_that_only_azure_tells_are_read(reader: BlobReader, service: StorageServer) -> None:
    """Tier, version and the state of a copy."""
    answer(
        service, 200, **FACTS, x_ms_access_tier="Cool", x_ms_version_id="2026-11-20T06:30:15.1234567Z",
        x_ms_copy_status="pending", x_ms_copy_id="1",
    )  # fmt: skip

    event = reader.read("landing", "a.csv")

    assert event is not None
    assert (event.access_tier, event.version_id, event.copy_status) == (
        "Cool",
        "2026-11-20T06:30:15.1234567Z",
        "pending",
    )
    assert (event.size, event.etag) == (0, "0x1")


@pytest.mark.parametrize("name", ["a\ud800.csv", "a/../\udfff"])
def test_half_a_surrogate_pair_is_a_bad_event(reader: BlobReader, service: StorageServer, name: str) -> None:
    """It cannot even be asked for."""
    with pytest.raises(BadEvent):
        reader.read("landing", name)

    assert service.asked == []
