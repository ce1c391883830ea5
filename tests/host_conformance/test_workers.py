"""Facts of worker processes and hosts that end."""

import time
from dataclasses import replace

import pytest
import requests

from local.host import FAST
from tests.host_conformance.harness import HostHarness, only

SHORT = replace(FAST, message_visibility=3)


def test_killed_worker_uses_an_attempt_and_message_comes_back(own_harness: HostHarness) -> None:
    """A worker that dies fails its invocation; a new one gets the next attempt.

    Source: HOST, NET-C QueueProcessor.cs.
    """
    with own_harness.host({"SLOW_SECONDS": "1"}) as host:
        own_harness.send(own_harness.queue, "slow")
        own_harness.wait_for_records("queued", text="slow")
        killed = host.kill_worker(0)
        records = own_harness.wait_for_records("queued", 2, text="slow")
        own_harness.wait_for_empty(own_harness.queue)

    assert [record["dequeue_count"] for record in records] == [1, 2]
    assert records[0]["pid"] == killed
    assert records[1]["pid"] != killed


@pytest.mark.usefixtures("standin_only")
def test_killed_host_leaves_message_hidden_and_attempt_used(own_harness: HostHarness) -> None:
    """A received message stays hidden for its time, then comes back with a count of 2.

    Core Tools hide it for 10 minutes, too long for a test.
    Source: NET-C QueueListener.cs.
    """
    settings = {"SLOW_SECONDS": "1"}
    with own_harness.host(settings, times=SHORT) as host:
        own_harness.send(own_harness.queue, "slow")
        own_harness.wait_for_records("queued", text="slow")
        killed_at = time.monotonic()
        host.kill()

    with own_harness.host(settings, times=SHORT):
        records = own_harness.wait_for_records("queued", 2, text="slow")
        hidden_seconds = time.monotonic() - killed_at

    assert [record["dequeue_count"] for record in records] == [1, 2]
    assert hidden_seconds > SHORT.message_visibility - 1


@pytest.mark.usefixtures("standin_only")
def test_running_message_is_kept_hidden(own_harness: HostHarness) -> None:
    """A message is renewed at half of its time, so a long run is one run.

    Core Tools renew after 5 minutes, too long for a test.
    Source: NET-C QueueListener.cs.
    """
    with own_harness.host({"SLOW_SECONDS": "3.5"}, times=SHORT) as host:
        own_harness.send(own_harness.queue, "slow")
        own_harness.wait_for_records("queued", text="slow")
        own_harness.wait_for_empty(own_harness.queue)
        log = host.log()

    assert len(own_harness.records("queued", text="slow")) == 1
    assert "received by another host" not in log


@pytest.mark.usefixtures("standin_only")
def test_stop_cuts_running_calls_off(own_harness: HostHarness) -> None:
    """A plain stop does not wait for what runs; its message stays hidden until its time is over.

    Core Tools end in their own time.
    Source: NET-C QueueListener.cs (StopAsync).
    """
    with own_harness.host({**only("queued"), "SLOW_SECONDS": "1.5"}) as host:
        own_harness.send(own_harness.queue, "slow")
        own_harness.wait_for_records("queued", text="slow")
        host.stop()
        log = host.log()

    assert "Executed 'Functions.queued' (Succeeded" not in log
    assert own_harness.count(own_harness.queue) == 1
    assert not own_harness.messages(own_harness.queue)


def test_drain_lets_running_calls_go_on(own_harness: HostHarness) -> None:
    """After `POST /admin/host/drain` nothing new is taken, and what runs is finished and settled.

    Source: HOST HostController.cs, NET-C QueueListener.cs (StopAsync).
    """
    with own_harness.host({**only("queued"), "SLOW_SECONDS": "1.5"}) as host:
        key = {"x-functions-key": host.master_key}
        own_harness.send(own_harness.queue, "slow")
        own_harness.wait_for_records("queued", text="slow")
        answer = requests.post(f"{host.url}/admin/host/drain", headers=key, timeout=30)
        own_harness.send(own_harness.queue, "later")
        log = host.wait_for_log("Executed 'Functions.queued' (Succeeded", own_harness.patience)
        deadline = time.monotonic() + own_harness.patience
        while own_harness.count(own_harness.queue) > 1:
            assert time.monotonic() < deadline, "the message was not deleted"
            time.sleep(0.05)
        status = requests.get(f"{host.url}/admin/host/drain/status", headers=key, timeout=30)

    assert answer.status_code == 202
    assert status.json()["state"] == "Completed"
    assert "Failed" not in log
    assert not own_harness.records("queued", text="later")
    assert own_harness.messages(own_harness.queue) == ["later"]


def test_several_workers_share_the_work(own_harness: HostHarness) -> None:
    """FUNCTIONS_WORKER_PROCESS_COUNT processes take invocations in turn.

    Source: HOST WorkerProcessCountOptions.cs.
    """
    with own_harness.host(workers=2) as host:
        assert len(host.worker_pids) == 2

        for number in range(6):
            own_harness.send(own_harness.queue, f"{number}")
        records = own_harness.wait_for_records("queued", 6)
        pids = set(host.worker_pids)

    assert {record["pid"] for record in records} == pids
