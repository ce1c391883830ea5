"""Complete files only: the defaults that keep unfinished uploads and bookkeeping from starting a run.

Each has a name, is on unless routes.toml switches it off (`complete`, for all routes or one), and is shown by
the event that a real uploader causes, in tests/events/.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.model.blob_event import BlobEvent

SUCCESS = "_SUCCESS"

_CREATES = frozenset({"CreateFile", "SftpCreate"})
_COPY = "CopyBlob"

type Api = str | None
"""The storage call that raised the event (`data.api` of Event Grid), if the source has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """One default.

    Attributes:
        refuses: Whether this blob is not a complete file. An unknown fact refuses nothing.
        purpose: One line of documentation.
        needs_head: Whether only a `HEAD` shows that.
    """

    refuses: Callable[[BlobEvent, Api], bool]
    purpose: str
    needs_head: Callable[[BlobEvent, Api], bool] = lambda _event, _api: False


def _file(event: BlobEvent) -> str:
    return event.name.rpartition("/")[2]


def _ends(*suffixes: str) -> Callable[[BlobEvent, Api], bool]:
    return lambda event, _api: event.name.lower().endswith(suffixes)


def _is_marker(event: BlobEvent, _api: Api) -> bool:
    return _file(event) == SUCCESS or _file(event).startswith(("_committed_", "_started_"))


def _in_temporary_folder(event: BlobEvent, _api: Api) -> bool:
    return "/_temporary/" in f"/{event.name}"


def _is_hidden(event: BlobEvent, _api: Api) -> bool:
    return "/." in f"/{event.name}"


def _is_directory_stub(event: BlobEvent, _api: Api) -> bool:
    if event.size:
        return False
    if event.name.endswith(("/", "_$folder$")):
        return True
    return any(
        key.lower() == "hdi_isfolder" and value.lower() == "true" for key, value in event.metadata.items()
    )


PENDING_COPY = "pending_copy"
"""The one default that does not refuse for good: the event is retried once the copy is done."""

DEFAULTS: Mapping[str, Default] = {
    "success_marker": Default(
        refuses=_is_marker,
        purpose="Markers of Hadoop, Spark and Databricks, unless match itself ends with /_SUCCESS",
    ),
    "temporary_folder": Default(
        refuses=_in_temporary_folder, purpose="Task output of Hadoop and Spark below _temporary/"
    ),
    "copying": Default(refuses=_ends("._copying_"), purpose="What hdfs dfs -put writes before it renames"),
    "tmp": Default(refuses=_ends(".tmp", ".temp"), purpose="Temporary names of many tools"),
    "part": Default(
        refuses=_ends(".part", ".partial", ".filepart"),
        purpose="Unfinished uploads over SFTP (curl, rclone, WinSCP) and of browsers",
    ),
    "crdownload": Default(refuses=_ends(".crdownload"), purpose="Unfinished downloads of Chromium"),
    "hidden": Default(refuses=_is_hidden, purpose="Files and folders whose name begins with a dot"),
    "directory_stub": Default(
        refuses=_is_directory_stub,
        needs_head=lambda event, _api: event.size == 0,
        purpose="Empty blobs that stand for a folder: hdi_isfolder, a name with / or _$folder$ at its end",
    ),
    "placeholder": Default(
        refuses=lambda event, api: event.size == 0 and api in _CREATES,
        purpose="The empty file that ADLS and SFTP create before the content, which has its own event",
    ),
    "append_blob": Default(
        refuses=lambda event, _api: event.blob_type == "AppendBlob",
        needs_head=lambda event, _api: event.blob_type is None,
        purpose="Append blobs: the only event is that of their creation, when they are empty",
    ),
    PENDING_COPY: Default(
        refuses=lambda event, _api: event.copy_status == "pending",
        needs_head=lambda _event, api: api == _COPY,
        purpose="Targets of a copy that has not finished; retried, never dropped",
    ),
}


def is_for_folders(match: str) -> bool:
    """Tell whether a pattern asks for `_SUCCESS` markers: one run for each finished folder."""
    return f"/{match}".endswith(f"/{SUCCESS}")


def refusal(event: BlobEvent, api: Api, switched_on: Mapping[str, Default]) -> str | None:
    """Return the name of the first default that takes the blob for unfinished or bookkeeping."""
    return next((name for name, default in switched_on.items() if default.refuses(event, api)), None)


def needs_head(event: BlobEvent, api: Api, switched_on: Mapping[str, Default]) -> bool:
    """Tell whether a default needs a fact that a `HEAD` provides and the event lacks."""
    return any(default.needs_head(event, api) for default in switched_on.values())
