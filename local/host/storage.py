"""Storage accounts by the name of their connection, for the host's own use."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, ExponentialRetry
from azure.storage.queue import QueueServiceClient
from requests.adapters import HTTPAdapter

from local.host.settings import SettingError

HOST_CONNECTION = "AzureWebJobsStorage"
_CONNECTIONS = 64
_DEVELOPMENT = "UseDevelopmentStorage=true"
# learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key
_DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_DEVELOPMENT_ACCOUNT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    f"AccountKey={_DEVELOPMENT_KEY};"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)


class StorageAccounts:
    """Clients for the accounts that settings name; cached, safe for use by many threads."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._blobs: dict[str, BlobServiceClient] = {}
        self._queues: dict[str, QueueServiceClient] = {}

    def blobs(self, connection: str) -> BlobServiceClient:
        """Return the blob service of a connection.

        Raises:
            SettingError: no such connection.
        """
        with self._lock:
            if connection not in self._blobs:
                self._blobs[connection] = self._make(
                    connection, "blobServiceUri", BlobServiceClient, BlobServiceClient.from_connection_string
                )
            return self._blobs[connection]

    def queues(self, connection: str) -> QueueServiceClient:
        """Return the queue service of a connection.

        Raises:
            SettingError: no such connection.
        """
        with self._lock:
            if connection not in self._queues:
                self._queues[connection] = self._make(
                    connection,
                    "queueServiceUri",
                    QueueServiceClient,
                    QueueServiceClient.from_connection_string,
                )
            return self._queues[connection]

    def _make[T](
        self, connection: str, uri_name: str, from_url: Callable[..., T], from_text: Callable[..., T]
    ) -> T:
        # DOC includes/functions-storage-blob-connections.md: the exact name wins over the prefix.
        if text := self._settings.get(connection):
            return from_text(_DEVELOPMENT_ACCOUNT if text.strip(" ;") == _DEVELOPMENT else text, **_options())
        if uri := self._settings.get(f"{connection}__{uri_name}"):
            # Slow to import, and not needed for Azurite.
            from azure.identity import DefaultAzureCredential  # noqa: PLC0415

            return from_url(uri, credential=DefaultAzureCredential(), **_options())
        msg = (
            f"Storage account connection string '{connection}' does not exist. "
            "Make sure that it is a defined App Setting."
        )
        raise SettingError(msg)


def _options() -> dict[str, Any]:
    session = requests.Session()
    adapter = HTTPAdapter(pool_maxsize=_CONNECTIONS)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return {
        "transport": RequestsTransport(session=session, session_owner=False),
        # About as long as the .NET SDK's three retries: 1, 3 and 5 s.
        "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=3),
        "connection_timeout": 10,
        "read_timeout": 30,
    }
