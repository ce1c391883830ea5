"""Complete files only: each default, held against an event of a real uploader."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from shared.model.blob_event import BlobEvent
from shared.model.errors import CopyPending
from shared.routes.completeness import DEFAULTS, PENDING_COPY
from shared.routes.reader import read_routes
from shared.routes.table import RouteTable, Skip
from shared.sources.event_grid import pending_from_event_grid
from tests.support.samples import MOMENT, blob_event

EVENTS = Path(__file__).parents[1] / "events"

REFUSED = {
    "spark_success": "success_marker",
    "databricks_committed": "success_marker",
    "databricks_started": "success_marker",
    "spark_task_output": "temporary_folder",
    "hdfs_copying": "copying",
    "office_tmp": "tmp",
    "firefox_part": "part",
    "rclone_partial": "part",
    "winscp_filepart": "part",
    "chromium_crdownload": "crdownload",
    "flink_inprogress": "inprogress",
    "delta_commit": "delta_log",
    "delta_last_checkpoint": "delta_log",
    "spark_stream_log": "spark_metadata",
    "spark_stream_offsets": "spark_checkpoint",
    "spark_stream_commits": "spark_checkpoint",
    "autoloader_sources": "spark_checkpoint",
    "macos_ds_store": "hidden",
    "wasb_directory_stub": "directory_stub",
    "emr_folder_stub": "directory_stub",
    "slash_folder_stub": "directory_stub",
    "adls_create_file": "placeholder",
    "sftp_create": "placeholder",
    "append_blob": "append_blob",
}
COMPLETE = [
    "sdk_put_blob",
    "azcopy_put_block_list",
    "sdk_empty_file",
    "adls_flush_with_close",
    "sftp_commit",
    "copy_success",
    "cost_manifest",
    "adf_copy",
]
NEEDS_HEAD = {"copy_pending", "copy_success", "sdk_empty_file", "wasb_directory_stub"}

ALL = '[[route]]\nname = "all"\nmatch = "**"\ndag_id = "load"\n'
FOLDERS = '[[route]]\nname = "folders"\nmatch = "landing/{table}/day={day:date}/_SUCCESS"\ndag_id = "load"\n'


def recorded(name: str, *, headed: bool = True) -> tuple[BlobEvent, str]:
    """Return a recorded event and the storage call that raised it, with what a `HEAD` adds."""
    file: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    (pending,) = pending_from_event_grid(json.dumps(file["event"]).encode())
    event, api = pending.event, pending.api
    assert event is not None
    assert api is not None
    if headed and (head := file.get("head")):
        event = replace(
            event,
            last_modified=datetime.fromisoformat(head["last_modified"]),
            copy_status=head.get("copy_status"),
            metadata=head["metadata"],
        )
    return event, api


def table(toml: str) -> RouteTable:
    """Return the table of a TOML text."""
    return read_routes(toml, origin="test")


LOOK_ALIKES = [
    "not_temporary/a",
    "a.tmpl",
    "a.parts",
    "part",
    "_report.csv",
    "a/b.c",
    "x_SUCCESS",
    "_SUCCESS/a",
    "a_COPYING_",
    "my_delta_log/a",
    "offsets/2026.csv",
    "sources/1/a.csv",
    "commits/a/12",
    "12",
    "a.inprogress.csv",
]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_name_that_only_resembles_a_temporary_one_starts_a_run(name: str) -> None:
    """Dropping a real file is worse than starting a run too many."""
    assert len(table(ALL).match(blob_event(name=name)).requests) == 1


@pytest.mark.parametrize(
    ("size", "metadata", "runs"),
    [
        (0, {"Hdi_IsFolder": "True"}, 0),
        (0, {"hdi_isfolder": "false"}, 1),
        (0, {"other": "true"}, 1),
        (5, {"hdi_isfolder": "true"}, 1),
    ],
)
def test_folder_mark_counts_in_any_case_on_empty_blobs(
    size: int, metadata: dict[str, str], runs: int
) -> None:
    """Drivers write it in several ways; a blob with content is a file."""
    event = blob_event(size=size, metadata=metadata, last_modified=MOMENT)

    assert len(table(ALL).match(event).requests) == runs


def test_every_recorded_event_is_in_a_table_above() -> None:
    """No recorded event goes unread, and every default has one."""
    names = {path.stem for path in EVENTS.glob("*.json")}

    assert {*REFUSED, *COMPLETE, "copy_pending", "spark_success_create"} == names
    assert {*REFUSED.values(), PENDING_COPY} == set(DEFAULTS)


@pytest.mark.parametrize(("name", "default"), REFUSED.items())
def test_unfinished_file_starts_nothing_and_says_why(name: str, default: str) -> None:
    """The default's name is the reason."""
    event, api = recorded(name)

    plan = table(ALL).match(event, api=api)

    assert plan.requests == ()
    assert (Skip(route="all", reason=f"complete.{default}"),) == plan.skipped


@pytest.mark.parametrize("where", ["everywhere", "route"])
@pytest.mark.parametrize(("name", "default"), REFUSED.items())
def test_default_switched_off_starts_a_run(name: str, default: str, where: str) -> None:
    """Each default is off where routes.toml says so, for all routes or for one."""
    event, api = recorded(name)
    switch = f"complete.{default} = false\n"
    toml = switch + ALL if where == "everywhere" else ALL + switch

    assert len(table(toml).match(event, api=api).requests) == 1


def test_route_switches_on_what_the_file_switched_off() -> None:
    """A route's own switch wins."""
    event, api = recorded("macos_ds_store")
    toml = "complete.hidden = false\n" + ALL + "complete.hidden = true\n"

    assert table(toml).match(event, api=api).requests == ()


@pytest.mark.parametrize("name", COMPLETE)
def test_complete_file_starts_one_run(name: str) -> None:
    """No default stands in the way of a finished file, be it empty."""
    event, api = recorded(name)

    plan = table(ALL).match(event, api=api)

    assert len(plan.requests) == 1
    assert plan.skipped == ()


@pytest.mark.parametrize("name", [*REFUSED, *COMPLETE, "copy_pending"])
def test_head_is_asked_for_only_where_a_default_needs_it(name: str) -> None:
    """Queue mode makes no storage call but for empty blobs and copies."""
    event, api = recorded(name, headed=False)

    assert (name in NEEDS_HEAD) == table(ALL).needs_head(event, api=api)


def test_pending_copy_is_tried_again() -> None:
    """Nothing is lost: the event waits until the copy is done."""
    event, api = recorded("copy_pending")

    with pytest.raises(CopyPending, match="still being copied"):
        table(ALL).match(event, api=api)

    assert len(table(ALL + "complete.pending_copy = false\n").match(event, api=api).requests) == 1


@pytest.mark.parametrize("status", ["failed", "aborted"])
def test_copy_that_failed_runs_with_the_empty_blob_that_it_left(status: str) -> None:
    """Its DAG sees a size of 0; nobody else would tell that a file was meant to come."""
    event, api = recorded("copy_pending")
    failed = replace(event, copy_status=status, size=0)

    [run] = table(ALL).match(failed, api=api).requests
    assert run.conf["size"] == 0


def test_pending_copy_that_no_route_wants_is_not_waited_for() -> None:
    """Filters and other defaults refuse first."""
    event, api = recorded("copy_pending")

    assert table(ALL + 'suffix = ".json"\n').match(event, api=api).skipped[0].reason == "suffix"
    assert table(FOLDERS).match(event, api=api).skipped[0].reason == "no_route"


def test_success_marker_starts_one_run_for_its_folder() -> None:
    """A route that ends with _SUCCESS fires for the marker alone, with the folder in its conf."""
    folders = table(FOLDERS)
    marker, api = recorded("spark_success")

    (run,) = folders.match(marker, api=api).requests

    assert run.conf["folder"] == "sales/day=2026-11-20"
    assert folders.match(replace(marker, name="sales/day=2026-11-20/part-0.parquet"), api=api).requests == ()


def test_success_marker_is_one_run_although_adls_raises_two_events() -> None:
    """CreateFile of the marker is a placeholder like any other; closing it is the event that counts."""
    event, api = recorded("spark_success_create")

    assert table(FOLDERS).match(event, api=api).skipped[0].reason == "complete.placeholder"


def test_conf_of_a_folder_route_may_name_its_own_folder() -> None:
    """What a route adds wins over the folder, which is no fact of the blob."""
    marker, api = recorded("spark_success")
    toml = FOLDERS + 'conf.folder = "{table}"\n'

    assert table(toml).match(marker, api=api).requests[0].conf["folder"] == "sales"


@pytest.mark.parametrize(
    ("event", "match"),
    [
        ("delta_commit", "landing/{table}/_delta_log/{version:int}.json"),
        ("spark_stream_log", "landing/{table}/_spark_metadata/{batch:int}"),
    ],
)
def test_route_that_asks_for_a_log_gets_its_commits(event: str, match: str) -> None:
    """One run for each commit; for every other route the log is bookkeeping."""
    asks = ALL.replace("**", match)

    assert len(table(asks).match(recorded(event)[0]).requests) == 1
    assert table(ALL).match(recorded(event)[0]).requests == ()
