"""Complete files only: the defaults that keep unfinished uploads and bookkeeping from starting a run.

Each has a name, is on unless routes.toml switches it off (`complete`, for all routes or one), and is shown by
the event that a real uploader causes, in tests/events/.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.model.blob_event import BlobEvent

SUCCESS = "_SUCCESS"

_CREATES = frozenset({"CreateFile", "SftpCreate"})
_COPY = "CopyBlob"
_CHECKPOINT = re.compile(
    r"(?:^|/)(?:(?:offsets|commits)/\d+(?:\.compact)?"
    r"|sources/\d+/(?:\d+(?:\.compact)?|rocksdb/.*)"
    r"|state/\d+/\d+/.*\.(?:delta|snapshot|changelog|zip))$",
    re.DOTALL,
)
"""Only names that Spark itself gives: a folder `offsets` may be anybody's."""

type Api = str | None
"""The storage call that raised the event (`data.api` of Event Grid), if the source has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """One default.

    Attributes:
        refuses: Whether this blob is not a complete file. An unknown fact refuses nothing.
        purpose: One line of documentation.
        needs_head: Whether only a `HEAD` shows that.
        unless: Off for a route whose `match` has this text, because it asks for such files.
    """

    refuses: Callable[[BlobEvent, Api], bool]
    purpose: str
    needs_head: Callable[[BlobEvent, Api], bool] = lambda _event, _api: False
    unless: str = ""


def _file(event: BlobEvent) -> str:
    return event.name.rpartition("/")[2]


def _ends(*suffixes: str) -> Callable[[BlobEvent, Api], bool]:
    return lambda event, _api: event.name.lower().endswith(suffixes)


def _is_marker(event: BlobEvent, _api: Api) -> bool:
    return _file(event) == SUCCESS or _file(event).startswith(("_committed_", "_started_"))


def _is_below(folder: str) -> Callable[[BlobEvent, Api], bool]:
    return lambda event, _api: f"/{folder}/" in f"/{event.name}"


def _is_in_checkpoint(event: BlobEvent, _api: Api) -> bool:
    return bool(_CHECKPOINT.search(event.name))


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
        refuses=_is_below("_temporary"), purpose="Task output of Hadoop and Spark below _temporary/"
    ),
    "copying": Default(refuses=_ends("._copying_"), purpose="What hdfs dfs -put writes before it renames"),
    "tmp": Default(refuses=_ends(".tmp", ".temp"), purpose="Temporary names of many tools"),
    "part": Default(
        refuses=_ends(".part", ".partial", ".filepart"),
        purpose="Unfinished uploads over SFTP (curl, rclone, WinSCP) and of browsers",
    ),
    "crdownload": Default(refuses=_ends(".crdownload"), purpose="Unfinished downloads of Chromium"),
    "inprogress": Default(
        refuses=_ends(".inprogress"), purpose="Open part files of streaming sinks (Flink, Hive)"
    ),
    "delta_log": Default(
        refuses=_is_below("_delta_log"),
        purpose="The log of a Delta Lake table, unless match itself has _delta_log/: a commit of it is one",
        unless="_delta_log/",
    ),
    "spark_metadata": Default(
        refuses=_is_below("_spark_metadata"),
        purpose="The log of Spark's streaming file sink, unless match itself has _spark_metadata/",
        unless="_spark_metadata/",
    ),
    "spark_checkpoint": Default(
        refuses=_is_in_checkpoint,
        purpose="Checkpoints of Spark streaming and Auto Loader: offsets/, commits/, sources/, state/",
    ),
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
