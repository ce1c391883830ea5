"""Facts of the blob trigger that Event Grid tells (`source="EventGrid"`), as used in Azure."""

import uuid
from typing import Any
from urllib.parse import quote

import pytest

from local.host import RunningHost
from tests.host_conformance.stage import POISON_QUEUE, Stage


def created(stage: Stage, blob: str, **data: Any) -> dict[str, Any]:
    """Return a BlobCreated event in the Event Grid schema; the host of its address does not matter."""
    return {
        "id": str(uuid.uuid4()),
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/{stage.event_container}/blobs/{blob}",
        "eventTime": "2026-11-21T08:00:00Z",
        "dataVersion": "",
        "metadataVersion": "1",
        "topic": "/subscriptions/x/resourceGroups/x/providers/Microsoft.Storage/storageAccounts/x",
        "data": {
            "api": "PutBlob",
            "contentType": "text/csv",
            "contentLength": 1,
            "eTag": "0x8D96060BDA19D9D",
            "blobType": "BlockBlob",
            "url": f"https://x.blob.core.windows.net/{stage.event_container}/{quote(blob)}",
            **data,
        },
    }


def test_array_of_events_runs_function_for_each(stage: Stage, host: RunningHost) -> None:
    """A notification with an array is 202, and each of its blobs is run.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    names = [f"{number} {uuid.uuid4().hex}" for number in range(3)]
    for name in names:
        stage.upload(stage.event_container, name)

    answer = stage.post_events(host, [created(stage, name) for name in names])

    assert answer.status_code == 202
    assert all(stage.wait_for_records("told", blob=name) for name in names)


def test_single_event_runs_function(stage: Stage, host: RunningHost) -> None:
    """A single object instead of an array is taken too.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    name = uuid.uuid4().hex
    stage.upload(stage.event_container, name)

    answer = stage.post_events(host, created(stage, name))

    assert answer.status_code == 202
    assert stage.wait_for_records("told", blob=name)


def test_cloud_event_runs_function(stage: Stage, host: RunningHost) -> None:
    """The CloudEvents 1.0 schema is accepted as well.

    Source: SAMPLE test.http, NET-EG.
    """
    name = uuid.uuid4().hex
    stage.upload(stage.event_container, name)
    event = {
        "specversion": "1.0",
        "type": "Microsoft.Storage.BlobCreated",
        "source": "/subscriptions/x/resourceGroups/x/providers/Microsoft.Storage/storageAccounts/x",
        "id": str(uuid.uuid4()),
        "time": "2026-11-21T08:00:00Z",
        "subject": f"blobServices/default/containers/{stage.event_container}/blobs/{name}",
        "data": created(stage, name)["data"],
    }

    answer = stage.post_events(host, event)

    assert answer.status_code == 202
    assert stage.wait_for_records("told", blob=name)


@pytest.mark.parametrize(
    "name",
    ["line\nbreak", "percent %2F and %25", "emoji \N{GRINNING FACE}?#", "dots .. and ...csv", "x" * 1024],
)
def test_hostile_name_is_decoded_once(stage: Stage, host: RunningHost, name: str) -> None:
    """The name in `data.url` is unquoted once.

    Source: NET-B BlobsExtensionConfigProvider.cs, BlobUriBuilder.
    """
    stage.upload(stage.event_container, name)

    stage.post_events(host, [created(stage, name)])

    assert stage.wait_for_records("told", blob=name)


def test_repeated_event_runs_function_again(stage: Stage, host: RunningHost) -> None:
    """Events are not told apart: no receipts, no ETag check, so N events are N runs.

    Source: NET-B, ARCH.
    """
    name = uuid.uuid4().hex
    stage.upload(stage.event_container, name)
    event = created(stage, name)
    for _ in range(2):
        stage.post_events(host, [event])

    assert len(stage.wait_for_records("told", 2, blob=name)) == 2


def test_path_of_trigger_is_not_checked(stage: Stage, host: RunningHost) -> None:
    """An event for another container runs the function all the same.

    Source: NET-B BlobQueueTriggerExecutor.cs.
    """
    name = uuid.uuid4().hex
    stage.upload(stage.stream_container, name)
    url = f"https://x.blob.core.windows.net/{stage.stream_container}/{name}"

    stage.post_events(host, [created(stage, name, url=url)])

    assert stage.wait_for_records("told", blob=name, container=stage.stream_container)


def test_wrong_function_name_is_accepted_and_dropped(stage: Stage, host: RunningHost) -> None:
    """`functionName` is not checked: 202, then nothing.

    Source: NET-B GetBlobTriggerMessage, BlobQueueTriggerExecutor.cs.
    """
    name = uuid.uuid4().hex
    stage.upload(stage.event_container, name)

    answer = stage.post_events(
        host, [created(stage, name)], parameters={"functionName": "Host.Functions.no_such"}
    )
    stage.wait_for_empty(stage.control_queue, account=stage.host_account)

    assert answer.status_code == 202
    assert not stage.records("told", blob=name)
    assert not [body for body in stage.messages(POISON_QUEUE) if name in body]


def test_deleted_event_is_accepted_and_dropped(stage: Stage, host: RunningHost) -> None:
    """There is no filter by event type: a BlobDeleted is queued and its blob is gone.

    Source: NET-B.
    """
    name = uuid.uuid4().hex
    event = {**created(stage, name), "eventType": "Microsoft.Storage.BlobDeleted"}
    del event["data"]["eTag"]

    answer = stage.post_events(host, [event])
    stage.wait_for_empty(stage.control_queue, account=stage.host_account)

    assert answer.status_code == 202
    assert not stage.records("told", blob=name)


def test_renamed_event_is_a_server_error(stage: Stage, host: RunningHost) -> None:
    """A BlobRenamed has no `url`: the host fails, so Event Grid tries again in vain.

    Source: NET-B; DOC event schema.
    """
    event = {
        **created(stage, "x"),
        "eventType": "Microsoft.Storage.BlobRenamed",
        "data": {
            "api": "RenameFile",
            "sourceUrl": f"https://x.dfs.core.windows.net/{stage.event_container}/old",
            "destinationUrl": f"https://x.dfs.core.windows.net/{stage.event_container}/new",
        },
    }

    assert stage.post_events(host, [event]).status_code >= 500


def test_subscription_validation_is_answered(stage: Stage, host: RunningHost) -> None:
    """The handshake gets its code back.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    event = {
        **created(stage, "x"),
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6", "validationUrl": "https://x"},
    }

    answer = stage.post_events(host, [event], headers={"aeg-event-type": "SubscriptionValidation"})

    assert answer.status_code == 200
    assert answer.json() == {"validationResponse": "512d38b6"}


def test_cloud_events_handshake_is_answered(stage: Stage, host: RunningHost) -> None:
    """OPTIONS with an origin is allowed.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    answer = stage.post_events(
        host, None, method="OPTIONS", headers={"WebHook-Request-Origin": "eventgrid.azure.net"}
    )

    assert answer.status_code == 200
    assert answer.headers["Webhook-Allowed-Origin"] == "eventgrid.azure.net"


def test_unsubscribe_is_accepted(stage: Stage, host: RunningHost) -> None:
    """`Unsubscribe` is 202 and does nothing.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    answer = stage.post_events(host, [], headers={"aeg-event-type": "Unsubscribe"})

    assert answer.status_code == 202


@pytest.mark.parametrize("headers", [{}, {"aeg-event-type": "Other"}])
def test_missing_or_unknown_event_type_is_a_bad_request(
    stage: Stage, host: RunningHost, headers: dict[str, str]
) -> None:
    """Without a known `aeg-event-type` the answer is 400.

    Source: NET-EG HttpRequestProcessor.cs.
    """
    assert stage.post_events(host, [created(stage, "x")], headers=headers).status_code == 400


@pytest.mark.usefixtures("standin_only")
@pytest.mark.parametrize("code", ["", "wrong"])
def test_webhook_without_system_key_is_refused(stage: Stage, host: RunningHost, code: str) -> None:
    """The webhook asks for `systemKeys.blobs_extension`.

    Source: HOST HostController.cs; Core Tools ask for no keys.
    """
    answer = stage.post_events(host, [created(stage, "x")], parameters={"code": code})

    assert answer.status_code == 401
