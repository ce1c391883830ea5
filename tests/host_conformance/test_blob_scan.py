"""Facts of the blob trigger that scans (`LogsAndContainerScan`), as used with Azurite."""

import uuid

import pytest

from local.host import RunningHost
from tests.host_conformance.counting_proxy import CountingProxy
from tests.host_conformance.stage import Stage

HOSTILE_NAMES = [
    "with space and ünïcode.csv",
    "folder/in folder/file.csv",
    "percent %2F and %25.csv",
    "question?mark#hash&amp;.csv",
    "emoji \N{GRINNING FACE}.csv",
    "quotes ' and \".csv",
    "nfc \u00e9 nfd e\u0301",
    "{name}%SETTING%",
]


def test_new_blob_runs_function_once(stage: Stage, host: RunningHost) -> None:
    """A blob that comes to a scanned container is one invocation.

    Source: NET-B BlobTriggerExecutor.cs.
    """
    name = uuid.uuid4().hex
    stage.upload(stage.scan_container, name)

    (record,) = stage.wait_for_records("scanned", blob=name)
    host.wait_for_log(f"{stage.scan_container}/{name}", stage.patience)

    assert stage.scan_container == record["container"]


def test_overwritten_blob_runs_function_again(stage: Stage, host: RunningHost) -> None:
    """A new ETag is a new receipt, so an overwrite triggers again.

    Source: NET-B BlobReceiptManager.cs.
    """
    name = uuid.uuid4().hex
    stage.upload(stage.scan_container, name)
    stage.wait_for_records("scanned", 1, blob=name)

    stage.upload(stage.scan_container, name, b"newer")

    assert len(stage.wait_for_records("scanned", 2, blob=name)) == 2


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_name_arrives_intact(stage: Stage, host: RunningHost, name: str) -> None:
    """A blob's name reaches the function as it is, decoded once.

    Source: NET-B BlobTriggerMessage.cs.
    """
    stage.upload(stage.scan_container, name)

    assert stage.wait_for_records("scanned", blob=name)


def test_empty_blob_runs_function(stage: Stage, host: RunningHost) -> None:
    """A blob without content triggers like any other.

    Source: NET-B BlobTriggerExecutor.cs.
    """
    name = f"empty {uuid.uuid4().hex}"
    stage.upload(stage.scan_container, name, b"")

    assert stage.wait_for_records("scanned", blob=name)


def test_path_pattern_matches_slashes_and_case(stage: Stage, host: RunningHost) -> None:
    """`{name}` matches `/` too; literals match with case.

    Source: NET-B BlobPathSource.cs, SDK BindingTemplateToken.cs.
    """
    part = uuid.uuid4().hex
    matching = [f"only/{part}.csv", f"only/deep/er/{part}.csv"]
    other = [f"only/{part}.CSV", f"Only/{part}.csv", f"only/{part}.csv.gz", f"x/only/{part}.csv"]
    for name in (*other, *matching):
        stage.upload(stage.scan_container, name)
    for name in other:
        stage.wait_for_records("scanned", blob=name)

    found = [
        record["blob"] for name in matching for record in stage.wait_for_records("scanned_csv", blob=name)
    ]

    assert sorted(matching) == sorted(found)
    assert not [record for name in other for record in stage.records("scanned_csv", blob=name)]


def test_line_feed_in_name_matches_no_pattern(stage: Stage, host: RunningHost) -> None:
    """A scanned name with a line feed matches no `{name}` and is never run.

    Source: SDK BindingTemplateSource.cs.
    """
    part = uuid.uuid4().hex
    stage.upload(stage.scan_container, f"{part}\nbreak")
    stage.upload(stage.scan_container, f"{part}-later")
    stage.wait_for_records("scanned", blob=f"{part}-later")

    assert not stage.records("scanned", blob=f"{part}\nbreak")


def test_two_functions_on_one_container_both_run(stage: Stage, host: RunningHost) -> None:
    """Receipts are per function, so each function sees each blob.

    Source: NET-B BlobReceiptManager.cs.
    """
    name = f"only/{uuid.uuid4().hex}.csv"
    stage.upload(stage.scan_container, name)

    assert len(stage.wait_for_records("scanned", blob=name)) == 1
    assert len(stage.wait_for_records("scanned_csv", blob=name)) == 1


def test_same_version_does_not_run_again_after_restart(own_stage: Stage) -> None:
    """A receipt outlives the host: the same ETag is not queued twice.

    Source: NET-B BlobReceiptManager.cs.
    """
    own_stage.upload(own_stage.scan_container, "before")
    with own_stage.host():
        own_stage.wait_for_records("scanned", blob="before")
        own_stage.wait_for_empty(own_stage.control_queue, account=own_stage.host_account)
    own_stage.upload(own_stage.scan_container, "later")

    with own_stage.host():
        own_stage.wait_for_records("scanned", blob="later")
        own_stage.wait_for_empty(own_stage.control_queue, account=own_stage.host_account)

    assert len(own_stage.records("scanned", blob="before")) == 1


def test_deferred_binding_reads_no_content(own_stage: Stage) -> None:
    """A `BlobClient` argument is built from names; nobody reads the blob.

    Source: NET-B CreateParameterBindingData.
    """
    size = 1024 * 1024
    own_stage.upload(own_stage.scan_container, "big", b"x" * size)
    with CountingProxy.in_front_of(own_stage.data.blob_port) as proxy:
        connection = own_stage.data.connection_string.replace(
            f":{own_stage.data.blob_port}/", f":{proxy.port}/"
        )
        with own_stage.host({"LandingStorage": connection}) as host:
            own_stage.wait_for_records("scanned", blob="big")
            host.wait_for_log("Executed 'Functions.scanned' (Succeeded", own_stage.patience)
        seen = proxy.requests("/big")

    assert seen
    assert not [request for request in seen if request.method == "GET"]
    assert sum(request.body_bytes for request in seen) < size


def test_input_stream_is_content_and_empty_has_no_length(stage: Stage, host: RunningHost) -> None:
    """An `InputStream` has the content in memory; for 0 bytes its `length` is None.

    Source: LIB blob.py.
    """
    stage.upload(stage.stream_container, "full", b"content")
    stage.upload(stage.stream_container, "empty", b"")

    (full,) = stage.wait_for_records("streamed", blob=f"{stage.stream_container}/full")
    (empty,) = stage.wait_for_records("streamed", blob=f"{stage.stream_container}/empty")

    assert (full["content"], full["length"]) == ("content", 7)
    assert (empty["content"], empty["length"]) == ("", None)
