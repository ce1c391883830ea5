"""`Bindings`: the settings that the decorators in function_app.py need at import, and no other."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.config.addresses import shown
from shared.model.container import CONTAINER_RULE, is_container

LANDING_CONNECTION = "LandingStorage"
"""Prefix of the app settings of the landing account."""

BLOB_FUNCTION = "blob_to_dag"
QUEUE_FUNCTION = "queue_to_dag"
DISPATCHER_FUNCTION = "dispatcher"
RECONCILER_FUNCTION = "reconciler"
"""Names of functions are an interface: queued messages and Event Grid subscriptions contain them, and the
platform drops messages for a name that the app does not have."""

_QUEUE = "queue"
_SOURCES = {source.lower(): source for source in ("EventGrid", "LogsAndContainerScan", _QUEUE)}
_DEFAULT_SOURCE = "EventGrid"
_DEFAULT_PATH = "landing/{name}"
_TOKENS = re.compile(r"\{\{|\}\}|\{[A-Za-z_][A-Za-z0-9_]*\}|(?P<stray>[{}])|(?P<wildcard>[*?])|[^{}*?]+")


SCHEDULES = {
    **{f"{minutes}m": f"0 */{minutes} * * * *" for minutes in (10, 15, 20, 30)},
    **{f"{hours}h": f"0 7 */{hours} * * *" for hours in (1, 2, 3, 4, 6, 8, 12)},
    "1d": "0 7 0 * * *",
}
"""What RECONCILE_EVERY may be; a cron expression knows nothing that does not divide an hour or a day."""


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
        reconcile_schedule: When the reconciler runs; empty where it is off.
        faults: What was wrong with the settings, one sentence each.
    """

    path: str
    source: str
    connection: str
    is_queue_mode: bool
    reconcile_schedule: str
    faults: tuple[str, ...]

    @property
    def container(self) -> str:
        """The container that the blob trigger watches."""
        return self.path.partition("/")[0]

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Bindings":
        """Read `LANDING_PATH`, `EVENT_SOURCE` and `RECONCILE_EVERY`; never raises."""
        faults = []
        path = environ.get("LANDING_PATH", "").strip() or _DEFAULT_PATH
        if (fault := _path_fault(path)) is not None:
            faults.append(f"LANDING_PATH={shown(path)} must be a path such as landing/{{name}}{fault}.")
            path = _DEFAULT_PATH
        asked = environ.get("EVENT_SOURCE", "").strip() or _DEFAULT_SOURCE
        source = _SOURCES.get(asked.lower())
        if source is None:
            faults.append(f"EVENT_SOURCE={shown(asked)} must be one of {', '.join(_SOURCES.values())}.")
            source = _DEFAULT_SOURCE
        every = environ.get("RECONCILE_EVERY", "").strip()
        if every and every not in SCHEDULES:
            faults.append(f"RECONCILE_EVERY={shown(every)} must be one of {', '.join(SCHEDULES)}, or empty.")
        return cls(
            path=path,
            # In queue mode the blob trigger stays, for messages that are already in its queue.
            source=_DEFAULT_SOURCE if source == _QUEUE else source,
            connection=LANDING_CONNECTION,
            is_queue_mode=source == _QUEUE,
            reconcile_schedule=SCHEDULES.get(every, ""),
            faults=tuple(faults),
        )


def _path_fault(path: str) -> str | None:
    """Return what the host would do, without a word, with a path that it cannot use; None where it can.

    It takes `{name}`, `{{` and `}}`, and reads %…% as the name of another setting (`BlobPathSource` and
    `BindingTemplateParser` of the WebJobs SDK).
    """
    container, slash, pattern = path.partition("/")
    if not is_container(container):
        return f": a container has {CONTAINER_RULE}"
    if "\\" in path or "%" in path or (slash and not pattern):
        return ""
    kinds = {token.lastgroup for token in _TOKENS.finditer(pattern)}
    if "stray" in kinds:
        return ": with an open brace, or more than a name in braces, the host loads no function"
    if "wildcard" in kinds:
        return ": the host knows no wildcards, and would never call the function"
    return None
