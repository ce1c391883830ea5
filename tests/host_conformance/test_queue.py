"""Facts of the queue trigger."""

import uuid

from local.host import RunningHost
from tests.host_conformance.harness import HostHarness


def test_message_runs_function_and_is_deleted(harness: HostHarness, host: RunningHost) -> None:
    """A Base64 body arrives decoded, with its id and a dequeue count of 1.

    Source: LIB queue.py, NET-C QueuesOptions.cs.
    """
    text = f"héllo {uuid.uuid4().hex}"
    harness.send(harness.queue, text)
    (record,) = harness.wait_for_records("queued", text=text)
    harness.wait_for_empty(harness.queue)

    assert record["dequeue_count"] == 1
    assert record["id"]


def test_failing_message_is_counted_then_poison(harness: HostHarness, host: RunningHost) -> None:
    """`maxDequeueCount` attempts, then `<queue>-poison` gets the same body.

    Source: NET-C Queues/QueueProcessor.cs.
    """
    text = f"fail {uuid.uuid4().hex}"
    harness.send(harness.queue, text)
    body = harness.wait_for_message(f"{harness.queue}-poison", text)

    assert body == text
    assert [record["dequeue_count"] for record in harness.records("queued", text=text)] == [1, 2, 3]


def test_undecodable_message_is_poison_at_once(
    unusual_harness: HostHarness, unusual_host: RunningHost
) -> None:
    """A body that is not Base64 goes to the poison queue as it is; there is no second attempt.

    Source: the Queues extension's QueueServiceClientProvider.cs.
    """
    poison = f"{unusual_harness.queue}-poison"
    unusual_harness.send(unusual_harness.queue, "not Base64!", is_base64=False)
    unusual_harness.wait_for_message(poison, "not Base64!", is_base64=False)
    unusual_harness.wait_for_empty(unusual_harness.queue)

    assert unusual_harness.count(poison) == 1


def test_only_records_of_an_invocation_are_logged(harness: HostHarness, host: RunningHost) -> None:
    """What the app logs at import or in a thread of its own belongs to no invocation and is dropped.

    Source: HOST WebJobs.Script.Grpc/Channel/GrpcWorkerChannel.cs (Log).
    """
    harness.send(harness.queue, f"thread {uuid.uuid4().hex}")
    log = host.wait_for_log("logged in the function", harness.patience)

    assert "logged in a thread" not in log
    assert "logged at import" not in log
