"""Facts of failing blob invocations: attempts, the control queue, and the poison queue."""

import json
import uuid

from local.host import RunningHost
from tests.host_conformance.stage import POISON_QUEUE, Stage


def message_for(stage: Stage, blob: str, **changes: str) -> str:
    """Return a control message for the function `told`."""
    return json.dumps(
        {
            "Type": "BlobTrigger",
            "FunctionId": "Host.Functions.told",
            "BlobType": "BlockBlob",
            "ContainerName": stage.event_container,
            "BlobName": blob,
            "ETag": '"0x1"',
            **changes,
        }
    )


def test_failing_function_gets_five_attempts_then_poison(stage: Stage, host: RunningHost) -> None:
    """Five attempts, each a new invocation, retry count always 0, whatever `queues` says in host.json.

    Source: NET-B Config/BlobsOptions.cs, SharedBlobQueueListenerFactory.cs.
    """
    name = f"fail {uuid.uuid4().hex}"
    etag = stage.upload(stage.scan_container, name)
    body = stage.wait_for_message(POISON_QUEUE, name)
    records = stage.records("scanned", blob=name)

    assert len(records) == 5
    assert len({record["invocation_id"] for record in records}) == 5
    assert {record["retry_count"] for record in records} == {0}
    assert json.loads(body) == {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.scanned",
        "BlobType": "BlockBlob",
        "ContainerName": stage.scan_container,
        "BlobName": name,
        "ETag": etag,
    }


def test_poison_message_lies_in_data_account(stage: Stage, host: RunningHost) -> None:
    """The poison queue is in the account of the trigger's connection.

    Source: NET-B GetPoisonQueue, ARCH.
    """
    name = f"fail {uuid.uuid4().hex}"
    stage.upload(stage.scan_container, name)
    stage.wait_for_message(POISON_QUEUE, name, account=stage.data)

    assert not [body for body in stage.messages(POISON_QUEUE, account=stage.host_account) if name in body]


def test_control_queue_lies_in_host_account(stage: Stage, host: RunningHost) -> None:
    """`azure-webjobs-blobtrigger-<host id>` is in AzureWebJobsStorage and takes Base64.

    Source: NET-C HostQueueNames.cs.
    """
    name = uuid.uuid4().hex
    stage.upload(stage.event_container, name)
    stage.send(stage.control_queue, message_for(stage, name), account=stage.host_account)

    assert stage.wait_for_records("told", blob=name)


def test_value_without_return_binding_fails_the_attempt(stage: Stage, host: RunningHost) -> None:
    """A blob function must return None: a value is a failure, five times.

    Source: RT handle_event.py.
    """
    name = f"answer {uuid.uuid4().hex}"
    stage.upload(stage.scan_container, name)
    stage.wait_for_message(POISON_QUEUE, name)

    assert len(stage.records("scanned", blob=name)) == 5
    assert "returned a non-None value" in host.log()


def test_exception_is_in_the_log_with_its_text(stage: Stage, host: RunningHost) -> None:
    """The host logs `Type: text` and the traceback of what a function raises.

    Source: RT utils/tracing.py.
    """
    name = f"fail {uuid.uuid4().hex}"
    stage.upload(stage.scan_container, name)
    stage.wait_for_message(POISON_QUEUE, name)

    assert "ValueError: asked to fail" in host.log()
    assert "Executed 'Functions.scanned' (Failed" in host.log()


def test_message_for_unknown_function_is_dropped(stage: Stage, host: RunningHost) -> None:
    """A FunctionId that is not registered counts as done: no run, no poison.

    Source: NET-B BlobQueueTriggerExecutor.cs.
    """
    name = uuid.uuid4().hex
    stage.upload(stage.event_container, name)
    stage.send(
        stage.control_queue,
        message_for(stage, name, FunctionId="Host.Functions.Told"),
        account=stage.host_account,
    )
    stage.wait_for_empty(stage.control_queue, account=stage.host_account)

    assert not stage.records("told", blob=name)
    assert not [body for body in stage.messages(POISON_QUEUE) if name in body]


def test_message_for_missing_blob_is_dropped(stage: Stage, host: RunningHost) -> None:
    """A blob that is gone counts as done: no run, no poison.

    Source: NET-B BlobQueueTriggerExecutor.cs.
    """
    name = uuid.uuid4().hex
    stage.send(stage.control_queue, message_for(stage, name), account=stage.host_account)
    stage.wait_for_empty(stage.control_queue, account=stage.host_account)

    assert not stage.records("told", blob=name)
    assert not [body for body in stage.messages(POISON_QUEUE) if name in body]


def test_scan_source_drops_message_of_older_version(stage: Stage, host: RunningHost) -> None:
    """The scanning source compares the ETag and leaves the newer version to its own message.

    Source: NET-B.
    """
    name = uuid.uuid4().hex
    stage.upload(stage.scan_container, name)
    stage.wait_for_records("scanned", blob=name)
    stale = message_for(stage, name, FunctionId="Host.Functions.scanned", ContainerName=stage.scan_container)
    stage.send(stage.control_queue, stale, account=stage.host_account)
    stage.wait_for_empty(stage.control_queue, account=stage.host_account)

    assert len(stage.records("scanned", blob=name)) == 1


def test_invalid_control_message_becomes_poison(stage: Stage, host: RunningHost) -> None:
    """A body that is no blob message fails until it is poison, in the host's account.

    Source: NET-B, ARCH.
    """
    body = json.dumps({"nonsense": uuid.uuid4().hex})
    stage.send(stage.control_queue, body, account=stage.host_account)

    assert body == stage.wait_for_message(POISON_QUEUE, body, account=stage.host_account)
