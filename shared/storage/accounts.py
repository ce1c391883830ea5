"""`StorageAccount`: the SDK's clients for one account, made once and shared by all invocations."""

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import requests
from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter

from shared.config.storage_connection import StorageConnection

if TYPE_CHECKING:
    from azure.data.tables import TableClient
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueServiceClient

_CONNECT_TIMEOUT_SECONDS = 5
_READ_TIMEOUT_SECONDS = 20


class StorageAccount:
    """One storage account with one credential and one pool of connections.

    The client that the host injects makes both anew for every call, and each new credential asks for a
    token of its own. Each SDK is imported with the first client of its service: a cold start, or a command
    at an operator's desk, pays only for what it uses.

    Args:
        connection: Where the account is, and how the app logs in.
        threads: How many calls are under way at most.
        credential: Logs in instead of the managed identity of the connection.

    Attributes:
        name: Prefix of the app settings that name the account, for messages.
    """

    def __init__(
        self, connection: StorageConnection, *, threads: int, credential: TokenCredential | None = None
    ) -> None:
        self.name = connection.name
        self._connection = connection
        self._transport = _transport(threads)
        self._credential = credential
        if not connection.connection_string and credential is None:
            from azure.identity import ManagedIdentityCredential  # noqa: PLC0415

            self._credential = ManagedIdentityCredential(client_id=connection.client_id)

    @cached_property
    def blobs(self) -> "BlobServiceClient":
        """Client of the blob service."""
        from azure.storage.blob import BlobServiceClient  # noqa: PLC0415

        client: BlobServiceClient = self._client(BlobServiceClient, self._connection.blob_endpoint)
        return client

    @cached_property
    def queues(self) -> "QueueServiceClient":
        """Client of the queue service."""
        from azure.storage.queue import QueueServiceClient  # noqa: PLC0415

        client: QueueServiceClient = self._client(QueueServiceClient, self._connection.queue_endpoint)
        return client

    def _client(self, kind: Any, endpoint: str) -> Any:
        from azure.storage.blob import ExponentialRetry  # noqa: PLC0415

        # The SDK would wait 15 s and more and hold the invocation; two short waits bridge a hiccup.
        retry = ExponentialRetry(initial_backoff=0, increment_base=1, retry_total=2, random_jitter_range=1)
        options: dict[str, Any] = {"transport": self._transport, "retry_policy": retry}
        if self._connection.connection_string:
            return kind.from_connection_string(self._connection.connection_string, **options)
        return kind(endpoint, credential=self._credential, **options)

    def table(self, name: str) -> "TableClient":
        """Return a client of one table."""
        from azure.data.tables import TableClient  # noqa: PLC0415

        options = {"transport": self._transport, "retry_total": 2, "retry_backoff_factor": 0.5}
        if self._connection.connection_string:
            return TableClient.from_connection_string(
                self._connection.connection_string, table_name=name, **options
            )
        return TableClient(
            self._connection.table_endpoint, table_name=name, credential=self._credential, **options
        )


def _transport(threads: int) -> RequestsTransport:
    session = requests.Session()
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=threads, pool_block=True))
    return RequestsTransport(
        session=session,
        session_owner=False,
        connection_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=_READ_TIMEOUT_SECONDS,
    )


def error_code(error: HttpResponseError) -> str:
    """Return storage's own code of an error, such as `BlobNotFound`; `unknown` where it gave none."""
    code = getattr(error, "error_code", None)
    response: Any = error.response
    if code is None and response is not None:
        # The table SDK passes some errors on without their code.
        found = re.search(r'"code":\s*"(\w+)"', response.text())
        code = found[1] if found else response.headers.get("x-ms-error-code")
    return str(getattr(code, "value", code) or "unknown")
