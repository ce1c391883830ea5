"""Facts of failing blob invocations: attempts, the control queue, and the poison queue."""

import json
import uuid

from local.host import RunningHost
from tests.host_conformance.harness import POISON_QUEUE, HostHarness


def test_failing_function_gets_five_attempts_then_poison(harness: HostHarness, host: RunningHost) -> None:
    """Five attempts, each a new invocation, retry count always 0, whatever `queues` says in host.json.

    Source: NET-B Config/BlobsOptions.cs, SharedBlobQueueListenerFactory.cs.
    """
    name = f"fail {uuid.uuid4().hex}"
    etag = harness.upload(harness.scan_container, name)
    body = harness.wait_for_message(POISON_QUEUE, name)
    records = harness.records("scanned", blob=name)

    assert len(records) == 5
    assert len({record["invocation_id"] for record in records}) == 5
    assert {record["retry_count"] for record in records} == {0}
    assert json.loads(body) == {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.scanned",
        "BlobType": "BlockBlob",
        "ContainerName": harness.scan_container,
        "BlobName": name,
        "ETag": etag,
    }


def test_poison_message_is_in_data_account(harness: HostHarness, host: RunningHost) -> None:
    """The poison queue is in the account of the trigger's connection.

    Source: NET-B GetPoisonQueue, ARCH.
    """
    name = f"fail {uuid.uuid4().hex}"
    harness.upload(harness.scan_container, name)
    harness.wait_for_message(POISON_QUEUE, name, account=harness.data)

    assert not [body for body in harness.messages(POISON_QUEUE, account=harness.host_account) if name in body]


def test_control_queue_is_in_host_account(harness: HostHarness, host: RunningHost) -> None:
    """`azure-webjobs-blobtrigger-<host id>` is in AzureWebJobsStorage and takes Base64.

    Source: NET-C HostQueueNames.cs.
    """
    name = uuid.uuid4().hex
    harness.upload(harness.event_container, name)
    harness.send(harness.control_queue, harness.control_message(name), account=harness.host_account)

    assert harness.wait_for_records("announced", blob=name)


def test_value_without_return_binding_fails_the_attempt(harness: HostHarness, host: RunningHost) -> None:
    """A blob function must return None: a value is a failure, five times.

    Source: RT handle_event.py.
    """
    name = f"answer {uuid.uuid4().hex}"
    harness.upload(harness.scan_container, name)
    harness.wait_for_message(POISON_QUEUE, name)

    assert len(harness.records("scanned", blob=name)) == 5
    assert "returned a non-None value" in host.log()


def test_exception_is_in_the_log_with_its_text(harness: HostHarness, host: RunningHost) -> None:
    """The host logs `Type: text` and the traceback of what a function raises.

    Source: RT utils/tracing.py.
    """
    name = f"fail {uuid.uuid4().hex}"
    harness.upload(harness.scan_container, name)
    harness.wait_for_message(POISON_QUEUE, name)

    assert "ValueError: asked to fail" in host.log()
    assert "Executed 'Functions.scanned' (Failed" in host.log()


def test_message_for_unknown_function_is_dropped(harness: HostHarness, host: RunningHost) -> None:
    """A FunctionId that is not registered counts as done: no run, no poison.

    Source: NET-B BlobQueueTriggerExecutor.cs.
    """
    name = uuid.uuid4().hex
    harness.upload(harness.event_container, name)
    harness.send(
        harness.control_queue,
        harness.control_message(name, FunctionId="Host.Functions.Announced"),
        account=harness.host_account,
    )
    harness.wait_for_empty(harness.control_queue, account=harness.host_account)

    assert not harness.records("announced", blob=name)
    assert not [body for body in harness.messages(POISON_QUEUE) if name in body]


def test_message_for_missing_blob_is_dropped(harness: HostHarness, host: RunningHost) -> None:
    """A blob that is gone counts as done: no run, no poison.

    Source: NET-B BlobQueueTriggerExecutor.cs.
    """
    name = uuid.uuid4().hex
    harness.send(harness.control_queue, harness.control_message(name), account=harness.host_account)
    harness.wait_for_empty(harness.control_queue, account=harness.host_account)

    assert not harness.records("announced", blob=name)
    assert not [body for body in harness.messages(POISON_QUEUE) if name in body]


def test_source_of_the_first_function_decides_about_older_versions(
    harness: HostHarness, host: RunningHost
) -> None:
    """With an Event Grid function first no ETag is compared, also for functions that scan.

    Source: NET-B SharedBlobQueueListenerFactory.cs, BlobQueueTriggerExecutor.cs.
    """
    name = uuid.uuid4().hex
    harness.upload(harness.scan_container, name)
    harness.wait_for_records("scanned", blob=name)
    stale = harness.control_message(
        name, FunctionId="Host.Functions.scanned", ContainerName=harness.scan_container
    )
    harness.send(harness.control_queue, stale, account=harness.host_account)

    assert len(harness.wait_for_records("scanned", 2, blob=name)) == 2


def test_scanning_function_first_drops_messages_of_older_versions(
    unusual_harness: HostHarness, unusual_host: RunningHost
) -> None:
    """With a scanning function first the ETag is compared, also for Event Grid functions.

    Source: NET-B SharedBlobQueueListenerFactory.cs, BlobQueueTriggerExecutor.cs.
    """
    harness, name = unusual_harness, uuid.uuid4().hex
    for container in (harness.scan_container, harness.event_container):
        harness.upload(container, name)
    harness.wait_for_records("scanned", blob=name)
    for function, container in (("scanned", harness.scan_container), ("stored", harness.event_container)):
        stale = harness.control_message(
            name, FunctionId=f"Host.Functions.{function}", ContainerName=container
        )
        harness.send(harness.control_queue, stale, account=harness.host_account)
    harness.wait_for_empty(harness.control_queue, account=harness.host_account)

    assert len(harness.records("scanned", blob=name)) == 1
    assert not harness.records("stored", blob=name)


def test_undecodable_control_message_is_deleted(harness: HostHarness, host: RunningHost) -> None:
    """A control message that is not Base64 is logged and deleted: no run, no poison.

    Source: NET-B QueueServiceClientProvider.cs.
    """
    poisoned = harness.count(POISON_QUEUE, account=harness.host_account)
    harness.send(harness.control_queue, "not Base64!", account=harness.host_account, is_base64=False)
    host.wait_for_log("Invalid message in blob trigger queue", harness.patience)
    harness.wait_for_empty(harness.control_queue, account=harness.host_account)

    assert harness.count(POISON_QUEUE, account=harness.host_account) == poisoned
