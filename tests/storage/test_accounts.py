"""The clients of a storage account: one credential, one pool, short waits."""

import pytest

from shared.config.storage_connection import StorageConnection
from shared.storage.accounts import StorageAccount

ENVIRON = {
    "LandingStorage__blobServiceUri": "https://acct.blob.core.windows.net/",
    "LandingStorage__queueServiceUri": "https://acct.queue.core.windows.net",
    "LandingStorage__clientId": "11111111-2222-3333-4444-555555555555",
}


def test_managed_identity_reaches_both_services() -> None:
    """With endpoints, no key is anywhere; blobs and queues share the credential."""
    account = StorageAccount(StorageConnection.from_env(ENVIRON, "LandingStorage"), threads=4)

    assert account.blobs.url == "https://acct.blob.core.windows.net/"
    assert account.queues.url == "https://acct.queue.core.windows.net/"
    assert account.blobs.credential is account.queues.credential


def test_development_storage_is_azurite_on_its_usual_ports() -> None:
    """What Core Tools and every sample call it."""
    connection = StorageConnection.from_env({"X": "UseDevelopmentStorage=true"}, "X")
    account = StorageAccount(connection, threads=1)

    assert account.blobs.url == "http://127.0.0.1:10000/devstoreaccount1/"
    assert account.queues.url == "http://127.0.0.1:10001/devstoreaccount1/"


@pytest.mark.parametrize("missing", ["LandingStorage__blobServiceUri", "LandingStorage__queueServiceUri"])
def test_missing_endpoint_is_named(missing: str) -> None:
    """The platform needs the queue endpoint of the landing account, too."""
    environ = {name: value for name, value in ENVIRON.items() if name != missing}

    with pytest.raises(ValueError, match=f"{missing} is not set"):
        StorageConnection.from_env(environ, "LandingStorage")
