"""`Bindings`: the settings that the decorators in function_app.py need at import, and no other."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.config.addresses import shown

LANDING_CONNECTION = "LandingStorage"
"""Prefix of the app settings of the landing account."""

BLOB_FUNCTION = "blob_to_dag"
QUEUE_FUNCTION = "queue_to_dag"
DISPATCHER_FUNCTION = "dispatcher"
"""Names of functions are an interface: queued messages and Event Grid subscriptions contain them, and the
platform drops messages for a name that the app does not have."""

_QUEUE = "queue"
_SOURCES = {source.lower(): source for source in ("EventGrid", "LogsAndContainerScan", _QUEUE)}
_DEFAULT_SOURCE = "EventGrid"
_DEFAULT_PATH = "landing/{name}"
_CONTAINER = re.compile(r"\$root|\$web|[a-z0-9](?:-?[a-z0-9]){2,62}")
"""learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """Literals of the triggers.

    A fault never stops the indexing of the app, because an app without functions loses events silently: the
    default is used, and `faults` are reported with those of the other settings when the first event comes.

    Attributes:
        path: `container/pattern` of the blob trigger, as the host understands it.
        source: `EventGrid` in Azure, `LogsAndContainerScan` for Azurite, which raises no events.
        connection: Prefix of the settings of the landing account.
        is_queue_mode: Whether events come by the storage queue.
        faults: What was wrong with the settings, one sentence each.
    """

    path: str
    source: str
    connection: str
    is_queue_mode: bool
    faults: tuple[str, ...]

    @property
    def container(self) -> str:
        """The container that the blob trigger watches."""
        return self.path.partition("/")[0]

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Bindings":
        """Read `LANDING_PATH` and `EVENT_SOURCE`; never raises."""
        faults = []
        path = environ.get("LANDING_PATH", "").strip() or _DEFAULT_PATH
        # The host would read %…% as the name of another setting.
        if not _CONTAINER.fullmatch(path.partition("/")[0]) or "\\" in path or "%" in path:
            faults.append(f"LANDING_PATH={shown(path)} must be a path such as landing/{{name}}.")
            path = _DEFAULT_PATH
        asked = environ.get("EVENT_SOURCE", "").strip() or _DEFAULT_SOURCE
        source = _SOURCES.get(asked.lower())
        if source is None:
            faults.append(f"EVENT_SOURCE={shown(asked)} must be one of {', '.join(_SOURCES.values())}.")
            source = _DEFAULT_SOURCE
        return cls(
            path=path,
            # In queue mode the blob trigger stays, for messages that are already in its queue.
            source=_DEFAULT_SOURCE if source == _QUEUE else source,
            connection=LANDING_CONNECTION,
            is_queue_mode=source == _QUEUE,
            faults=tuple(faults),
        )
