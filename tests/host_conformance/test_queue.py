"""Facts of the queue trigger."""

import uuid

from local.host import RunningHost
from tests.host_conformance.stage import Stage


def test_message_runs_function_and_is_deleted(stage: Stage, host: RunningHost) -> None:
    """A Base64 body arrives decoded, with its id and a dequeue count of 1.

    Source: LIB queue.py, NET-C QueuesOptions.cs.
    """
    text = f"héllo {uuid.uuid4().hex}"
    stage.send(stage.queue, text)
    (record,) = stage.wait_for_records("queued", text=text)
    stage.wait_for_empty(stage.queue)

    assert record["dequeue_count"] == 1
    assert record["id"]


def test_failing_message_is_counted_then_poison(stage: Stage, host: RunningHost) -> None:
    """`maxDequeueCount` attempts, then `<queue>-poison` gets the same body.

    Source: NET-C Queues/QueueProcessor.cs.
    """
    text = f"fail {uuid.uuid4().hex}"
    stage.send(stage.queue, text)
    body = stage.wait_for_message(f"{stage.queue}-poison", text)

    assert body == text
    assert [record["dequeue_count"] for record in stage.records("queued", text=text)] == [1, 2, 3]
