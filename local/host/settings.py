"""App settings: the environment, and `local.settings.json` for what the environment lacks."""

import hashlib
import json
import platform
import re
from collections.abc import Mapping
from pathlib import Path

LOCAL_SETTINGS = "local.settings.json"
_PLACEHOLDER = re.compile(r"%([^%]+)%")
# HOST src/WebJobs.Script/Host/ScriptHostIdProvider.cs
_HOST_ID = "AzureFunctionsWebHost__hostid"
_HOST_ID_LENGTH = 32


class SettingError(ValueError):
    """A setting is missing or cannot be read; correct it and start again."""


def load_settings(app: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the app's settings: `Values` of `local.settings.json`, overridden by `environment`.

    Raises:
        SettingError: the file exists but cannot be parsed.
    """
    path = app / LOCAL_SETTINGS
    values: dict[str, str] = {}
    if path.exists():
        try:
            document = json.loads(path.read_text(encoding="utf-8-sig"))
            values = {str(key): str(value) for key, value in document.get("Values", {}).items()}
        except (ValueError, AttributeError) as exc:
            msg = f"Unable to parse '{path}': {exc}"
            raise SettingError(msg) from exc
    return {**values, **environment}


def resolve(text: str, settings: Mapping[str, str]) -> str:
    """Replace each `%NAME%` in a binding by the setting of that name.

    Source: NET-B Triggers/BlobTriggerAttributeBindingProvider.cs (ResolveWholeString).

    Raises:
        SettingError: the setting is missing or empty.
    """

    def value_of(match: re.Match[str]) -> str:
        value = settings.get(match[1])
        if not value:
            msg = f"'%{match[1]}%' does not resolve to a value."
            raise SettingError(msg)
        return value

    return _PLACEHOLDER.sub(value_of, text)


def is_disabled(function: str, settings: Mapping[str, str]) -> bool:
    """Return whether `AzureWebJobs.<function>.Disabled` is set."""
    names = (f"AzureWebJobs.{function}.Disabled", f"AzureWebJobs__{function}__Disabled")
    return any((settings.get(name) or "").strip().lower() in {"1", "true"} for name in names)


def host_id_of(app: Path, settings: Mapping[str, str]) -> str:
    """Return the app's id, at most 32 characters: the setting, or `<machine>-<number>` of its folder.

    It is part of the names of queues, receipts and locks.
    """
    if given := settings.get(_HOST_ID):
        return given.lower()[:_HOST_ID_LENGTH]
    machine = "".join(char if char.isascii() and char.isalnum() else "-" for char in platform.node().lower())
    number = int.from_bytes(hashlib.sha256(str(app.resolve()).encode()).digest()[:4])
    return f"{machine.strip('-') or 'host'}-{number}"[-_HOST_ID_LENGTH:].lstrip("-")
