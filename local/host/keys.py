"""The host's keys: made once, kept in the host's storage, the same for all hosts of an app.

Source: HOST WebHost/Security (blob `azure-webjobs-secrets/<host id>/host.json`). The real host encrypts
them; these lie plain (`encrypted: false`, which it reads too).
"""

import contextlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

SECRETS_CONTAINER = "azure-webjobs-secrets"
BLOBS_SYSTEM_KEY = "blobs_extension"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HostKeys:
    """Keys that open doors of the host; a `repr` shows none.

    Attributes:
        master: opens everything.
        function: the default host key, opens all functions with `authLevel` function.
        system: the key of the blob extension's webhook.
    """

    master: str
    function: str
    system: str

    def allows(self, given: str | None, *, level: str) -> bool:
        """Tell whether a key opens a level: `anonymous`, `function`, `system` or `admin`."""
        if level == "anonymous":
            return True
        good = {"function": (self.master, self.function), "system": (self.master, self.system)}
        matches = [
            hmac.compare_digest((given or "").encode(), key.encode())
            for key in good.get(level, (self.master,))
        ]
        return any(matches)


def load_keys(*, blobs: BlobServiceClient | None, host_id: str) -> HostKeys:
    """Read the app's keys, or make them; without storage they last as long as this host."""
    fresh = {
        "masterKey": _entry("master"),
        "functionKeys": [_entry("default")],
        "systemKeys": [_entry(BLOBS_SYSTEM_KEY)],
    }
    return _parse(fresh if blobs is None else _stored(blobs, host_id, fresh))


def _stored(blobs: BlobServiceClient, host_id: str, fresh: dict[str, Any]) -> dict[str, Any]:
    container = blobs.get_container_client(SECRETS_CONTAINER)
    blob = container.get_blob_client(f"{host_id}/host.json")
    with contextlib.suppress(ResourceExistsError):
        container.create_container()
    with contextlib.suppress(ResourceExistsError):
        blob.upload_blob(json.dumps(fresh).encode(), overwrite=False)
    stored: dict[str, Any] = json.loads(blob.download_blob().readall())
    return stored


def _parse(stored: dict[str, Any]) -> HostKeys:
    return HostKeys(
        master=stored["masterKey"]["value"],
        function=stored["functionKeys"][0]["value"],
        system=next(key["value"] for key in stored["systemKeys"] if key["name"] == BLOBS_SYSTEM_KEY),
    )


def _entry(name: str) -> dict[str, object]:
    return {"name": name, "value": secrets.token_urlsafe(32), "encrypted": False}
