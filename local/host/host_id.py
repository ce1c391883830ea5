"""The id of an app's host: part of the names of its queues, receipts, locks and keys."""

import hashlib
import platform
from collections.abc import Mapping
from pathlib import Path

# HOST src/WebJobs.Script/Host/ScriptHostIdProvider.cs
OVERRIDE = "AzureFunctionsWebHost__hostid"
MAX_LENGTH = 32


def host_id_of(app: Path, settings: Mapping[str, str]) -> str:
    """Return the id: the setting, or `<machine>-<number>` of the app's folder, at most 32 characters."""
    if given := settings.get(OVERRIDE):
        return given.lower()[:MAX_LENGTH]
    machine = "".join(char if char.isascii() and char.isalnum() else "-" for char in platform.node().lower())
    number = int.from_bytes(hashlib.sha256(str(app.resolve()).encode()).digest()[:4])
    return f"{machine.strip('-') or 'host'}-{number}"[-MAX_LENGTH:].lstrip("-")
