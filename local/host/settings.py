"""App settings: the environment, and `local.settings.json` for what the environment has not."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

LOCAL_SETTINGS = "local.settings.json"
_PLACEHOLDER = re.compile(r"%([^%]+)%")


class SettingError(ValueError):
    """A binding names a setting that does not exist; mend the setting and start again."""


def load_settings(app: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the app's settings: `Values` of `local.settings.json`, overruled by `environment`.

    Raises:
        SettingError: the file is there but cannot be read as Core Tools reads it.
    """
    path = app / LOCAL_SETTINGS
    values: dict[str, str] = {}
    if path.exists():
        try:
            document = json.loads(path.read_text(encoding="utf-8-sig"))
            values = {str(key): str(value) for key, value in document.get("Values", {}).items()}
        except (ValueError, AttributeError) as exc:
            msg = f"{LOCAL_SETTINGS} cannot be read: {exc}"
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


def is_true(value: str | None) -> bool:
    """Tell whether a setting is switched on, as the host reads booleans."""
    return (value or "").strip().lower() in {"1", "true"}
