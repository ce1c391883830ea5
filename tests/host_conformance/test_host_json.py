"""What listeners take from host.json, and their back-off; needs no host."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from local.host.host_json import HostJson, HostJsonError, seconds
from local.host.queue_listener import Backoff


def load(folder: Path, document: Any, **settings: str) -> HostJson:
    """Write a host.json and load it."""
    (folder / "host.json").write_text(json.dumps(document))
    return HostJson.load(folder, settings)


@pytest.mark.parametrize(("parallel", "split"), [(1, (1, 0)), (8, (5, 3)), (32, (17, 15)), (200, (32, 168))])
def test_parallelism_is_split_into_batch_and_threshold(
    tmp_path: Path, parallel: int, split: tuple[int, int]
) -> None:
    """`maxDegreeOfParallelism` is batch size and threshold together.

    Source: NET-B SharedBlobQueueListenerFactory.cs.
    """
    settings = load(tmp_path, {"extensions": {"blobs": {"maxDegreeOfParallelism": parallel}}}).blobs

    assert split == (settings.batch_size, settings.new_batch_threshold)


def test_defaults_are_those_of_the_host(tmp_path: Path) -> None:
    """Five attempts, no delay, eight at a time per core.

    Source: NET-B Config/BlobsOptions.cs, NET-C Queues/QueuesOptions.cs.
    """
    host_json = load(tmp_path, {"version": "2.0"})
    blobs = host_json.blobs

    assert (blobs.max_dequeue_count, blobs.retry_visibility_seconds) == (5, 0)
    assert blobs.batch_size + blobs.new_batch_threshold == 8 * (os.cpu_count() or 1)
    assert (host_json.queues.batch_size, host_json.queues.max_dequeue_count) == (16, 5)


@pytest.mark.parametrize("batch", [1, 8, 32])
def test_default_threshold_is_half_a_batch_per_core(tmp_path: Path, batch: int) -> None:
    """`newBatchThreshold` defaults to (batchSize / 2) times the cores.

    Source: NET-C Queues/QueuesOptions.cs.
    """
    queues = load(tmp_path, {"extensions": {"queues": {"batchSize": batch}}}).queues

    assert queues.new_batch_threshold == batch // 2 * (os.cpu_count() or 1)


def test_queue_settings_do_not_apply_to_blobs(tmp_path: Path) -> None:
    """`extensions.queues` is for queue triggers only.

    Source: issue azure-sdk-for-net 34269.
    """
    queues = {"maxDequeueCount": 2, "visibilityTimeout": "00:00:30", "messageEncoding": "none"}
    host_json = load(tmp_path, {"extensions": {"queues": queues}})

    assert (host_json.blobs.max_dequeue_count, host_json.blobs.retry_visibility_seconds) == (5, 0)
    assert (host_json.queues.max_dequeue_count, host_json.queues.retry_visibility_seconds) == (2, 30)
    assert host_json.blobs.is_base64
    assert not host_json.queues.is_base64


def test_setting_overrides_host_json(tmp_path: Path) -> None:
    """`AzureFunctionsJobHost__...` settings win over the file.

    Source: DOC functions-host-json.md.
    """
    document = {"extensions": {"blobs": {"poisonBlobThreshold": 3}}}
    settings = {"AzureFunctionsJobHost__extensions__blobs__poisonBlobThreshold": "1"}

    assert load(tmp_path, document, **settings).blobs.max_dequeue_count == 1


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"extensions": {"blobs": {"poisonBlobThreshold": 0}}},
        {"extensions": {"queues": {"batchSize": 0}}},
        {"extensions": {"queues": {"batchSize": 33}}},
        {"extensions": {"queues": {"newBatchThreshold": -1}}},
        {"functionTimeout": "soon"},
    ],
)
def test_wrong_host_json_is_an_error(tmp_path: Path, document: Any) -> None:
    """A value that is not allowed stops the host.

    Source: NET-C Queues/QueuesOptions.cs.
    """
    with pytest.raises(HostJsonError):
        load(tmp_path, document)


@pytest.mark.parametrize(
    ("text", "expected"), [("00:05:00", 300), ("1.00:00:01", 86401), ("00:00:00.5", 0.5)]
)
def test_time_span_is_read(text: str, expected: float) -> None:
    """Times are .NET time spans."""
    assert expected == seconds(text)


def test_backoff_grows_to_its_limit_and_resets() -> None:
    """Pauses grow exponentially from 100 ms to a minute, and work resets them.

    Source: NET-C Queues/QueuePollingIntervals.cs, SDK RandomizedExponentialBackoffStrategy.cs.
    """
    backoff = Backoff(minimum=0.1, maximum=60, uniform=lambda _low, _high: 1.0)
    pauses = [backoff.next() for _ in range(12)]
    backoff.reset()

    assert pauses[:5] == pytest.approx([0.1, 0.2, 0.3, 0.5, 0.9])
    assert pauses[-1] == 60
    assert backoff.next() == pytest.approx(0.1)
