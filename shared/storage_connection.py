"""`StorageConnection`: where a storage account is and how to log in, as the Functions host names it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConnection:
    """One storage account, by managed identity in Azure and by connection string for Azurite.

    Attributes:
        name: Prefix of the app settings.
        connection_string: Only for emulators and old accounts; hidden from `repr`.
        blob_endpoint: Such as `https://acct.blob.core.windows.net`; empty with a connection string.
        client_id: Of a user-assigned identity; None for the system-assigned one.
    """

    name: str
    connection_string: str | None = field(default=None, repr=False)
    blob_endpoint: str = ""
    client_id: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str], name: str) -> "StorageConnection":
        """Read `<name>`, or `<name>__blobServiceUri` with `<name>__clientId`.

        Raises:
            ValueError: Neither is set, or the address is not https.
        """
        connection_string = environ.get(name, "").strip()
        if connection_string:
            return cls(name=name, connection_string=connection_string)
        uri = environ.get(f"{name}__blobServiceUri", "").strip().rstrip("/")
        if not uri:
            msg = (
                f"{name}__blobServiceUri is not set: give the blob endpoint of the landing account "
                f"(or its connection string as {name}, for Azurite)."
            )
            raise ValueError(msg)
        if not uri.startswith("https://"):
            msg = f"{name}__blobServiceUri={uri!a} is not https: a managed identity needs that."
            raise ValueError(msg)
        return cls(name=name, blob_endpoint=uri, client_id=environ.get(f"{name}__clientId") or None)
