"""Checks of storage: the container, the tables, the queues, its clock, the vault."""

from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from operate.advice import CHANGE_TABLES, READ_QUEUES, explained
from operate.desk import Desk
from operate.doctor.check import Note
from operate.doctor.clock import compared
from operate.errors import DeskError
from operate.status import read_vault
from shared.config.bindings import LANDING_CONNECTION
from shared.config.settings import HOST_CONNECTION
from shared.ingest import EVENT_QUEUE
from shared.model.errors import StorageUnavailable
from shared.sources import blob_poison
from shared.storage.accounts import StorageAccount, error_code

NOBODY = "blob-to-dag-doctor"
"""Name of a blob, a row and a run that are never there."""

_NO_ETAG = "W/\"datetime'2000-01-01T00%3A00%3A00.0000000Z'\""


def containers(desk: Desk) -> str:
    """Look at a blob of each container that is watched."""
    names = sorted(desk.watched)
    for name in names:
        desk.reader.read(name, NOBODY)
    return f"{', '.join(names)} can be read"


def clock(desk: Desk) -> str | Note:
    """Look at a blob of the first container, for the time of the answer."""
    dates = [""]

    def note(response: Any) -> None:
        dates.append(response.http_response.headers.get("Date", ""))

    desk.landing.blobs.get_blob_client(desk.watched[0], NOBODY).exists(raw_response_hook=note)
    return compared(dates[-1], desk.timing.now(), whose="storage")


def tables(desk: Desk) -> str:
    """Read the first rows of each table; the app makes a table with its first row."""
    for table in (desk.outbox_table, desk.dead_table, desk.settled_table):
        next(table.scan(columns=["PartitionKey"]), None)
    return "can be read"


def changes(desk: Desk) -> str | Note:
    """Delete a row that is not there: storage looks at the role first."""
    try:
        desk.outbox_table.delete({"PartitionKey": NOBODY, "RowKey": NOBODY}, etag=_NO_ETAG)
    except StorageUnavailable as error:
        return Note(text=f"Commands that change something fail: {explained(error, desk, role=CHANGE_TABLES)}")
    return "can be changed"


def queues(desk: Desk) -> str | Note:
    """Count what the platform could not process, which the app takes back by itself."""
    waiting = {}
    for prefix, account, name in (
        (LANDING_CONNECTION, desk.landing, blob_poison.QUEUE),
        (HOST_CONNECTION, desk.host, f"{EVENT_QUEUE}-poison"),
    ):
        try:
            waiting[name] = _count(account, name)
        except AzureError as error:
            reason = explained(error, desk, role=READ_QUEUES, on=prefix)
            return Note(text=f"No command needs it, but the queue {name} cannot be read: {reason}")
    left = [f"{count} in {name}" for name, count in waiting.items() if count]
    if left:
        return Note(text=f"The app takes back, with its next tick: {', '.join(left)}. Is it running?")
    return "nothing is left in the poison queues"


def _count(account: StorageAccount, name: str) -> int:
    try:
        properties = account.queues.get_queue_client(name).get_queue_properties()
    except ResourceNotFoundError:
        return 0
    return properties.approximate_message_count or 0


def vault(desk: Desk) -> str | Note:
    """Read the secret, and forget it."""
    name = desk.settings.airflow_credential_secret
    try:
        return read_vault(desk) or Note(text="none: the log-in is in the app settings")
    except HttpResponseError as error:
        # Its name only: no other is asked for.
        if isinstance(error, ResourceNotFoundError) or error_code(error) == "SecretNotFound":
            host = desk.settings.key_vault_uri.partition("://")[2].partition(".")[0]
            msg = (
                f"The vault has no secret {name!a}: az keyvault secret set --vault-name {host} --name {name} "
                "--file credentials.json (docs/deploy.md says what is in it)."
            )
            raise DeskError(msg) from None
        raise
