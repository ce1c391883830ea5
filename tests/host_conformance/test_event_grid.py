"""Facts of the blob trigger with `source="EventGrid"`, as used in Azure."""

import uuid

import pytest

from local.host import RunningHost
from tests.host_conformance.harness import POISON_QUEUE, HostHarness


def test_array_of_events_runs_function_for_each(harness: HostHarness, host: RunningHost) -> None:
    """A notification with an array is 202, and each of its blobs is run.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    names = [f"{number} {uuid.uuid4().hex}" for number in range(3)]
    for name in names:
        harness.upload(harness.event_container, name)

    answer = harness.post_events(host, [harness.created(name) for name in names])

    assert answer.status_code == 202
    assert all(harness.wait_for_records("announced", blob=name) for name in names)


def test_single_event_runs_function(harness: HostHarness, host: RunningHost) -> None:
    """A single object instead of an array is taken too.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    name = uuid.uuid4().hex
    harness.upload(harness.event_container, name)

    answer = harness.post_events(host, harness.created(name))

    assert answer.status_code == 202
    assert harness.wait_for_records("announced", blob=name)


def test_cloud_event_runs_function(harness: HostHarness, host: RunningHost) -> None:
    """The CloudEvents 1.0 schema is accepted as well.

    Source: SAMPLE test.http, NET-EG.
    """
    name = uuid.uuid4().hex
    harness.upload(harness.event_container, name)
    event = {
        "specversion": "1.0",
        "type": "Microsoft.Storage.BlobCreated",
        "source": "/subscriptions/x/resourceGroups/x/providers/Microsoft.Storage/storageAccounts/x",
        "id": str(uuid.uuid4()),
        "time": "2026-11-21T08:00:00Z",
        "subject": f"blobServices/default/containers/{harness.event_container}/blobs/{name}",
        "data": harness.created(name)["data"],
    }

    answer = harness.post_events(host, event)

    assert answer.status_code == 202
    assert harness.wait_for_records("announced", blob=name)


@pytest.mark.parametrize(
    "name",
    ["line\nbreak", "percent %2F and %25", "emoji \N{GRINNING FACE}?#", "dots .. and ...csv", "x" * 1024],
)
def test_hostile_name_is_decoded_once(harness: HostHarness, host: RunningHost, name: str) -> None:
    """The name in `data.url` is unquoted once.

    Source: NET-B BlobsExtensionConfigProvider.cs, BlobUriBuilder.
    """
    harness.upload(harness.event_container, name)

    harness.post_events(host, [harness.created(name)])

    assert harness.wait_for_records("announced", blob=name)


def test_repeated_event_runs_function_again(harness: HostHarness, host: RunningHost) -> None:
    """Events are not compared: no receipts, no ETag check, so N events are N runs.

    Source: NET-B, ARCH.
    """
    name = uuid.uuid4().hex
    harness.upload(harness.event_container, name)
    event = harness.created(name)
    for _ in range(2):
        harness.post_events(host, [event])

    assert len(harness.wait_for_records("announced", 2, blob=name)) == 2


def test_path_of_trigger_is_not_checked(harness: HostHarness, host: RunningHost) -> None:
    """An event for another container runs the function all the same.

    Source: NET-B BlobQueueTriggerExecutor.cs.
    """
    name = uuid.uuid4().hex
    harness.upload(harness.scan_container, name)
    url = f"https://x.blob.core.windows.net/{harness.scan_container}/{name}"

    harness.post_events(host, [harness.created(name, url=url)])

    assert harness.wait_for_records("announced", blob=name, container=harness.scan_container)


def test_wrong_function_name_is_accepted_and_dropped(harness: HostHarness, host: RunningHost) -> None:
    """`functionName` is not checked: 202, then nothing.

    Source: NET-B GetBlobTriggerMessage, BlobQueueTriggerExecutor.cs.
    """
    name = uuid.uuid4().hex
    harness.upload(harness.event_container, name)

    answer = harness.post_events(
        host, [harness.created(name)], parameters={"functionName": "Host.Functions.no_such"}
    )
    harness.wait_for_empty(harness.control_queue, account=harness.host_account)

    assert answer.status_code == 202
    assert not harness.records("announced", blob=name)
    assert not [body for body in harness.messages(POISON_QUEUE) if name in body]


def test_deleted_event_is_accepted_and_dropped(harness: HostHarness, host: RunningHost) -> None:
    """There is no filter by event type: a BlobDeleted is queued and its blob is gone.

    Source: NET-B.
    """
    name = uuid.uuid4().hex
    event = {**harness.created(name), "eventType": "Microsoft.Storage.BlobDeleted"}
    del event["data"]["eTag"]

    answer = harness.post_events(host, [event])
    harness.wait_for_empty(harness.control_queue, account=harness.host_account)

    assert answer.status_code == 202
    assert not harness.records("announced", blob=name)


def test_renamed_event_is_a_server_error(harness: HostHarness, host: RunningHost) -> None:
    """A BlobRenamed has no `url`: the host fails, so Event Grid tries again in vain.

    Source: NET-B; DOC event schema.
    """
    event = {
        **harness.created("x"),
        "eventType": "Microsoft.Storage.BlobRenamed",
        "data": {
            "api": "RenameFile",
            "sourceUrl": f"https://x.dfs.core.windows.net/{harness.event_container}/old",
            "destinationUrl": f"https://x.dfs.core.windows.net/{harness.event_container}/new",
        },
    }

    assert harness.post_events(host, [event]).status_code >= 500


def test_subscription_validation_is_answered(harness: HostHarness, host: RunningHost) -> None:
    """The handshake gets its code back.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    event = {
        **harness.created("x"),
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6", "validationUrl": "https://x"},
    }

    answer = harness.post_events(host, [event], headers={"aeg-event-type": "SubscriptionValidation"})

    assert answer.status_code == 200
    assert answer.json() == {"validationResponse": "512d38b6"}


def test_cloud_events_handshake_is_answered(harness: HostHarness, host: RunningHost) -> None:
    """OPTIONS with an origin is allowed.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    answer = harness.post_events(
        host, None, method="OPTIONS", headers={"WebHook-Request-Origin": "eventgrid.azure.net"}
    )

    assert answer.status_code == 200
    assert answer.headers["Webhook-Allowed-Origin"] == "eventgrid.azure.net"


def test_unsubscribe_is_accepted(harness: HostHarness, host: RunningHost) -> None:
    """`Unsubscribe` is 202 and does nothing.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    answer = harness.post_events(host, [], headers={"aeg-event-type": "Unsubscribe"})

    assert answer.status_code == 202


@pytest.mark.parametrize("headers", [{}, {"aeg-event-type": "Other"}])
def test_missing_or_unknown_event_type_is_a_bad_request(
    harness: HostHarness, host: RunningHost, headers: dict[str, str]
) -> None:
    """Without a known `aeg-event-type` the answer is 400.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    assert harness.post_events(host, [harness.created("x")], headers=headers).status_code == 400


@pytest.mark.usefixtures("standin_only")
@pytest.mark.parametrize("code", ["", "wrong"])
def test_webhook_without_system_key_is_refused(harness: HostHarness, host: RunningHost, code: str) -> None:
    """The webhook asks for `systemKeys.blobs_extension`.

    Source: HOST HostController.cs; Core Tools ask for no keys.
    """
    answer = harness.post_events(host, [harness.created("x")], parameters={"code": code})

    assert answer.status_code == 401


def test_blob_of_another_container_than_that_of_the_path_runs_the_function(
    harness: HostHarness, host: RunningHost
) -> None:
    """The subscription is the filter: one function can take the events of several containers.

    Source: NET-B BlobQueueTriggerExecutor.cs, which compares the path for the polling source only.
    """
    name = uuid.uuid4().hex
    harness.upload(harness.scan_container, name)
    event = harness.created(name)
    event["data"]["url"] = event["data"]["url"].replace(harness.event_container, harness.scan_container)
    event["subject"] = event["subject"].replace(harness.event_container, harness.scan_container)

    answer = harness.post_events(host, event)

    assert answer.status_code == 202
    assert harness.wait_for_records("announced", blob=name)
