"""Facts of the blob trigger that scans (`LogsAndContainerScan`), as used with Azurite."""

import uuid

import pytest

from local.host import RunningHost
from tests.host_conformance.harness import HostHarness
from tests.support.counting_proxy import counting_proxy

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


def test_new_blob_runs_function_once(harness: HostHarness, host: RunningHost) -> None:
    """A blob that comes to a scanned container is one invocation.

    Source: NET-B BlobTriggerExecutor.cs.
    """
    name = uuid.uuid4().hex
    harness.upload(harness.scan_container, name)

    (record,) = harness.wait_for_records("scanned", blob=name)
    host.wait_for_log(f"{harness.scan_container}/{name}", harness.patience)

    assert harness.scan_container == record["container"]


def test_overwritten_blob_runs_function_again(harness: HostHarness, host: RunningHost) -> None:
    """A new ETag is a new receipt, so an overwrite triggers again.

    Source: NET-B BlobReceiptManager.cs.
    """
    name = uuid.uuid4().hex
    harness.upload(harness.scan_container, name)
    harness.wait_for_records("scanned", 1, blob=name)

    harness.upload(harness.scan_container, name, b"newer")

    assert len(harness.wait_for_records("scanned", 2, blob=name)) == 2


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_name_arrives_intact(harness: HostHarness, host: RunningHost, name: str) -> None:
    """A blob's name reaches the function as it is, decoded once.

    Source: NET-B BlobTriggerMessage.cs.
    """
    harness.upload(harness.scan_container, name)

    assert harness.wait_for_records("scanned", blob=name)


def test_empty_blob_runs_function(harness: HostHarness, host: RunningHost) -> None:
    """A blob without content triggers like any other.

    Source: NET-B BlobTriggerExecutor.cs.
    """
    name = f"empty {uuid.uuid4().hex}"
    harness.upload(harness.scan_container, name, b"")

    assert harness.wait_for_records("scanned", blob=name)


def test_path_pattern_matches_slashes_and_case(harness: HostHarness, host: RunningHost) -> None:
    """`{name}` matches `/` too; literals match with case.

    Source: NET-B BlobPathSource.cs, SDK BindingTemplateToken.cs.
    """
    part = uuid.uuid4().hex
    matching = [f"only/{part}.csv", f"only/deep/er/{part}.csv"]
    other = [f"only/{part}.CSV", f"Only/{part}.csv", f"only/{part}.csv.gz", f"x/only/{part}.csv"]
    for name in (*other, *matching):
        harness.upload(harness.scan_container, name)
    for name in other:
        harness.wait_for_records("scanned", blob=name)

    found = [
        record["blob"] for name in matching for record in harness.wait_for_records("scanned_csv", blob=name)
    ]

    assert sorted(matching) == sorted(found)
    assert not [record for name in other for record in harness.records("scanned_csv", blob=name)]


def test_line_feed_in_name_matches_no_pattern(harness: HostHarness, host: RunningHost) -> None:
    """A scanned name with a line feed matches no `{name}` and is never run.

    Source: SDK BindingTemplateSource.cs.
    """
    part = uuid.uuid4().hex
    harness.upload(harness.scan_container, f"{part}\nbreak")
    harness.upload(harness.scan_container, f"{part}-later")
    harness.wait_for_records("scanned", blob=f"{part}-later")

    assert not harness.records("scanned", blob=f"{part}\nbreak")


def test_two_functions_on_one_container_both_run(harness: HostHarness, host: RunningHost) -> None:
    """Receipts are per function, so each function sees each blob.

    Source: NET-B BlobReceiptManager.cs.
    """
    name = f"only/{uuid.uuid4().hex}.csv"
    harness.upload(harness.scan_container, name)

    assert len(harness.wait_for_records("scanned", blob=name)) == 1
    assert len(harness.wait_for_records("scanned_csv", blob=name)) == 1


def test_same_version_does_not_run_again_after_restart(own_harness: HostHarness) -> None:
    """A receipt outlives the host: the same ETag is not queued twice.

    Source: NET-B BlobReceiptManager.cs.
    """
    own_harness.upload(own_harness.scan_container, "before")
    with own_harness.host():
        own_harness.wait_for_records("scanned", blob="before")
        own_harness.wait_for_empty(own_harness.control_queue, account=own_harness.host_account)
    own_harness.upload(own_harness.scan_container, "later")

    with own_harness.host():
        own_harness.wait_for_records("scanned", blob="later")
        own_harness.wait_for_empty(own_harness.control_queue, account=own_harness.host_account)

    assert len(own_harness.records("scanned", blob="before")) == 1


def test_deferred_binding_reads_no_content(own_harness: HostHarness) -> None:
    """A `BlobClient` argument is built from names; nobody reads the blob.

    Source: NET-B CreateParameterBindingData.
    """
    size = 1024 * 1024
    own_harness.upload(own_harness.scan_container, "big", b"x" * size)
    with counting_proxy(own_harness.data.blob_port) as proxy:
        connection = own_harness.data.connection_string.replace(
            f":{own_harness.data.blob_port}/", f":{proxy.port}/"
        )
        with own_harness.host({"LandingStorage": connection}) as host:
            own_harness.wait_for_records("scanned", blob="big")
            host.wait_for_log("Executed 'Functions.scanned' (Succeeded", own_harness.patience)

    assert proxy.methods["HEAD"]
    assert proxy.bytes_down < size
