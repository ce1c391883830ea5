"""`advice`: what an operator can do about a part that does not answer."""

from collections.abc import Iterator
from http import HTTPStatus

from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError

from operate.desk import Desk
from operate.errors import DeskError
from shared.config.bindings import LANDING_CONNECTION
from shared.config.settings import HOST_CONNECTION
from shared.config.storage_connection import StorageConnection
from shared.model.blob_event import account_from_url
from shared.model.errors import AirflowUnreachable, BadEvent, BlobToDagError
from shared.storage.accounts import error_code

READ_TABLES = "Storage Table Data Reader"
CHANGE_TABLES = "Storage Table Data Contributor"
READ_BLOBS = "Storage Blob Data Reader"
READ_QUEUES = "Storage Queue Data Reader"
READ_SECRETS = "Key Vault Secrets User"

_ME = '"$(az ad signed-in-user show --query id --output tsv)"'
_NO_ROLE = ("AuthorizationPermissionMismatch", "InsufficientAccountPermissions", "ForbiddenByRbac")
_LONGEST = 600
_INSIDE = (
    "If it has a private endpoint or a firewall, run this inside its network: on a machine "
    "in the virtual network, or with a VPN to it."
)


def explained(error: Exception, desk: Desk | None = None, *, role: str = READ_TABLES, on: str = "") -> str:
    """Return the message of an error, and what the operator can do about it.

    Args:
        error: Of the part; what it was raised from tells of storage and of Entra ID.
        desk: Which app; tells the names for the command that grants a role.
        role: The role that the part needs.
        on: Prefix of the settings of the account that it is for, where that is not the usual one.
    """
    from azure.identity import CredentialUnavailableError  # noqa: PLC0415  (see OperatorIdentity)

    # The SDK's own texts have several lines.
    text = " ".join(str(error).split())[:_LONGEST]
    is_local = desk is not None and desk.origin.is_local
    where = "Is `make run` still running?" if is_local else _INSIDE
    if isinstance(error, AirflowUnreachable):
        return f"{text} {where}"
    for cause in _causes(error):
        if isinstance(cause, CredentialUnavailableError):
            return f"{text} Nobody is logged in to Azure here: `az login`."
        if isinstance(cause, HttpResponseError) and cause.status_code == HTTPStatus.FORBIDDEN:
            if any(code in f"{error_code(cause)} {cause}" for code in _NO_ROLE):
                return f"Your account may not do that. {grant(desk, role, on)}"
            # The message is about the app's identity; here it is the network.
            return f"{text.partition(' Give the app')[0]} {where}"
        if isinstance(cause, ServiceRequestError):
            return f"{text} {where}"
    return text


def grant(desk: Desk | None, role: str, on: str = "") -> str:
    """Return the sentence with the command that grants a role."""
    scope = '"$(az storage account show --name ACCOUNT --query id --output tsv)"'
    if role == READ_SECRETS:
        scope = '"$(az keyvault show --name VAULT --query id --output tsv)"'
        name = _host_name(desk.settings.key_vault_uri) if desk else ""
    else:
        usual = LANDING_CONNECTION if role in {READ_BLOBS, READ_QUEUES} else HOST_CONNECTION
        name = _account(desk, on or usual)
    scope = scope.replace("ACCOUNT" if role != READ_SECRETS else "VAULT", name) if name else scope
    return (
        f"It lacks the role {role!r}; whoever may assign roles grants it with: az role assignment create "
        f"--role {role!r} --assignee {_ME} --scope {scope} (it takes some minutes)."
    )


def _account(desk: Desk | None, prefix: str) -> str:
    if desk is None:
        return ""
    try:
        connection = StorageConnection.from_env(desk.origin.settings, prefix, services=("blob",))
        return account_from_url(connection.blob_url)
    except (ValueError, BadEvent):
        return ""


def _host_name(address: str) -> str:
    return address.partition("://")[2].partition(".")[0]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


EXPECTED = (BlobToDagError, DeskError, AzureError)
"""What ends a command with a sentence; anything else is a bug, and shows where."""
