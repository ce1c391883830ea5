"""`StorageConnection`: endpoints and log-in of a storage account, as the Functions host names them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from shared.config.addresses import base_url, shown_url

SERVICES = ("blob", "queue", "table")
"""The services of a storage account, as the names of its settings have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConnection:
    """One storage account: with a managed identity in Azure, with a connection string for Azurite.

    Attributes:
        name: Prefix of the app settings.
        connection_string: Only for emulators and old accounts; hidden from `repr`.
        blob_endpoint: Such as `https://acct.blob.core.windows.net`; empty with a connection string.
        queue_endpoint: Such as `https://acct.queue.core.windows.net`; empty with a connection string.
        table_endpoint: Such as `https://acct.table.core.windows.net`; empty with a connection string, and
            for an account without tables.
        client_id: Client id of a user-assigned identity; None for the system-assigned one.
    """

    name: str
    connection_string: str | None = field(default=None, repr=False)
    blob_endpoint: str = ""
    queue_endpoint: str = ""
    table_endpoint: str = ""
    client_id: str | None = None

    @property
    def blob_url(self) -> str:
        """Address of the blob service; empty for a connection string that names no account."""
        if not self.connection_string:
            return self.blob_endpoint
        parts = dict(part.partition("=")[::2] for part in self.connection_string.split(";"))
        keys = {key.strip().lower(): value.strip() for key, value in parts.items()}
        if "blobendpoint" in keys:
            return keys["blobendpoint"].partition("?")[0].rstrip("/")
        if "accountname" not in keys:
            return ""
        scheme = keys.get("defaultendpointsprotocol", "https")
        return f"{scheme}://{keys['accountname']}.blob.{keys.get('endpointsuffix', 'core.windows.net')}"

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str], name: str, services: Collection[str] = SERVICES
    ) -> "StorageConnection":
        """Read `<name>`, or `<name>__<service>ServiceUri` for each of the services and `<name>__clientId`.

        Raises:
            ValueError: They are not set, or an address is not https.
        """
        connection_string = environ.get(name, "").strip()
        if connection_string == "UseDevelopmentStorage=true":
            connection_string = _DEVELOPMENT_STORAGE
        if connection_string:
            return cls(name=name, connection_string=connection_string)
        endpoints = {f"{service}_endpoint": _endpoint(environ, name, service) for service in services}
        return cls(name=name, client_id=environ.get(f"{name}__clientId") or None, **endpoints)


_DEVELOPMENT_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    # The public key of every Azurite:
    # https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)


def _endpoint(environ: Mapping[str, str], name: str, service: str) -> str:
    setting = f"{name}__{service}ServiceUri"
    uri = environ.get(setting, "").strip().rstrip("/")
    if not uri:
        msg = (
            f"{setting} is not set: set it to the account's {service} endpoint "
            f"(or {name} to a connection string, for Azurite)."
        )
        raise ValueError(msg)
    try:
        uri = base_url(uri)
    except ValueError as error:
        msg = f"{setting}={shown_url(uri)} {error}."
        raise ValueError(msg) from None
    if not uri.startswith("https://"):
        msg = f"{setting}={shown_url(uri)} must begin with https://, which a managed identity requires."
        raise ValueError(msg)
    return uri
