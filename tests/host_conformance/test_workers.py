"""Facts of worker processes and hosts that die."""

import time
from dataclasses import replace

import pytest

from local.host import FAST
from tests.host_conformance.stage import Stage

SHORT = replace(FAST, message_visibility=4)


def test_killed_worker_uses_an_attempt_and_message_comes_back(own_stage: Stage) -> None:
    """A worker that dies fails its invocation; a new one gets the next attempt.

    Source: HOST, NET-C QueueProcessor.cs.
    """
    with own_stage.host({"SLOW_SECONDS": "3"}) as host:
        own_stage.send(own_stage.queue, "slow")
        own_stage.wait_for_records("queued", text="slow")
        killed = host.kill_worker(0)
        records = own_stage.wait_for_records("queued", 2, text="slow")
        own_stage.wait_for_empty(own_stage.queue)

    assert [record["dequeue_count"] for record in records] == [1, 2]
    assert records[0]["pid"] == killed
    assert records[1]["pid"] != killed


@pytest.mark.usefixtures("standin_only")
def test_killed_host_leaves_message_hidden_and_attempt_used(own_stage: Stage) -> None:
    """A received message stays hidden for its time, then comes back with a count of 2.

    Core Tools hide it for 10 minutes, too long for a test.
    Source: NET-C QueueListener.cs.
    """
    settings = {"SLOW_SECONDS": "1"}
    with own_stage.host(settings, times=SHORT) as host:
        own_stage.send(own_stage.queue, "slow")
        own_stage.wait_for_records("queued", text="slow")
        killed_at = time.monotonic()
        host.kill()

    with own_stage.host(settings, times=SHORT):
        records = own_stage.wait_for_records("queued", 2, text="slow")
        hidden_seconds = time.monotonic() - killed_at

    assert [record["dequeue_count"] for record in records] == [1, 2]
    assert hidden_seconds > SHORT.message_visibility - 1


@pytest.mark.usefixtures("standin_only")
def test_running_message_is_kept_hidden(own_stage: Stage) -> None:
    """A message is renewed at half of its time, so a long run is one run.

    Core Tools renew after 5 minutes, too long for a test.
    Source: NET-C QueueListener.cs.
    """
    with own_stage.host({"SLOW_SECONDS": "6"}, times=SHORT) as host:
        own_stage.send(own_stage.queue, "slow")
        own_stage.wait_for_records("queued", text="slow")
        own_stage.wait_for_empty(own_stage.queue)
        log = host.log()

    assert len(own_stage.records("queued", text="slow")) == 1
    assert "no longer ours" not in log


def test_several_workers_share_the_work(own_stage: Stage) -> None:
    """FUNCTIONS_WORKER_PROCESS_COUNT processes take invocations in turn.

    Source: HOST WorkerProcessCountOptions.cs.
    """
    with own_stage.host(workers=2) as host:
        assert len(host.worker_pids) == 2

        for number in range(6):
            own_stage.send(own_stage.queue, f"{number}")
        records = own_stage.wait_for_records("queued", 6)
        pids = set(host.worker_pids)

    assert {record["pid"] for record in records} == pids
