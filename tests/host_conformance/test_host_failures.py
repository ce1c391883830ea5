"""Facts of errors that no listener handles: the host stops, and the platform starts it again."""

from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import BlobServiceClient, ResourceTypes, generate_account_sas

from local.azurite import Azurite
from local.host import RunningHost
from local.host.blob_queue import BlobMessage
from tests.host_conformance.harness import POISON_QUEUE, HostHarness, only

SHUTDOWN = "An unhandled exception has occurred. Host is shutting down."


def restricted(account: Azurite, services: str) -> str:
    """Return a connection string for blobs (`b`) or queues (`q`) only; the other service answers 403."""
    with BlobServiceClient.from_connection_string(account.connection_string) as client:
        signature = generate_account_sas(
            account_name=client.account_name or "",
            account_key=client.credential.account_key,
            services=services,
            resource_types=ResourceTypes(service=True, container=True, object=True),
            permission="rwdlacup",
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )
    return (
        f"BlobEndpoint={account.blob_url};QueueEndpoint={account.queue_url};SharedAccessSignature={signature}"
    )


def assert_stopped_with_hidden_message(harness: HostHarness, host: RunningHost) -> None:
    """Assert that the host stops and that the control message is neither visible nor poison."""
    host.wait_for_log(SHUTDOWN, harness.patience)
    account = harness.host_account

    assert harness.count(harness.control_queue, account=account) == 1
    assert not harness.messages(harness.control_queue, account=account)


def test_control_message_that_is_not_json_stops_the_host(own_harness: HostHarness) -> None:
    """It stays hidden, and comes back when its time is over.

    Source: NET-B BlobQueueTriggerExecutor.cs, NET-C QueueListener.cs (ProcessMessageAsync).
    """
    with own_harness.host(only("announced")) as host:
        own_harness.send(own_harness.control_queue, "not JSON", account=own_harness.host_account)

        assert_stopped_with_hidden_message(own_harness, host)


@pytest.mark.usefixtures("standin_only")
def test_stopped_host_is_started_again(own_harness: HostHarness) -> None:
    """The platform starts a host that stopped; an event that comes meanwhile waits and is run.

    Core Tools end, as there is no platform.
    Source: HOST WebScriptHostExceptionHandler.cs, Middleware/HostAvailabilityCheckMiddleware.cs.
    """
    own_harness.upload(own_harness.event_container, "blob")
    with own_harness.host(only("announced")) as host:
        own_harness.send(own_harness.control_queue, "not JSON", account=own_harness.host_account)
        host.wait_for_log(SHUTDOWN, own_harness.patience)
        answer = own_harness.post_events(host, own_harness.created("blob"))
        own_harness.wait_for_records("announced", blob="blob")
        log = host.log()

    assert answer.status_code == 202
    assert log.count("Host started") == 2


def test_refused_properties_stop_the_host(own_harness: HostHarness) -> None:
    """A blob whose properties may not be read stops the host; its message stays hidden.

    Source: NET-B BlobQueueTriggerExecutor.cs, NET-C QueueListener.cs (ProcessMessageAsync).
    """
    own_harness.upload(own_harness.event_container, "blob")
    no_blobs = {"LandingStorage": restricted(own_harness.data, "q")}
    with own_harness.host({**only("announced"), **no_blobs}) as host:
        own_harness.post_events(host, own_harness.created("blob"))

        assert_stopped_with_hidden_message(own_harness, host)

    assert not own_harness.records("announced")


def test_refused_poison_queue_stops_the_host(own_harness: HostHarness) -> None:
    """A poison queue that may not be written stops the host; the message stays hidden.

    Source: NET-C QueueProcessor.cs, QueueListener.cs (ProcessMessageAsync).
    """
    own_harness.upload(own_harness.event_container, "fail")
    no_queues = {"LandingStorage": restricted(own_harness.data, "b")}
    poisoned = own_harness.count(POISON_QUEUE)
    with own_harness.host({**only("announced"), **no_queues}) as host:
        own_harness.post_events(host, own_harness.created("fail"))

        assert_stopped_with_hidden_message(own_harness, host)

    assert len(own_harness.records("announced")) == 5
    assert own_harness.count(POISON_QUEUE) == poisoned


@pytest.mark.parametrize("body", [b"null", b"[]", b"{}", b'{"FunctionId": "x"}', b"\xff"])
def test_control_message_without_function_or_blob_is_invalid(body: bytes) -> None:
    """It stops the host, too: JSON alone makes no blob trigger message.

    Source: NET-B BlobQueueTriggerExecutor.cs.
    """
    with pytest.raises(ValueError, match=r"Invalid blob trigger message|decode"):
        BlobMessage.from_json(body)
