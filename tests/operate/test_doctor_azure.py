"""What `doctor` asks of Azure's resource manager, with an `az` that answers as the test says."""

import json
from pathlib import Path
from typing import Any

import pytest

from operate.desk import Desk
from operate.doctor.check import Finding, State, examine
from operate.doctor.order import CHECKS
from operate.origin import AzureApp, Origin
from tests.infra.fake_az import FakeAz, Reply, failed, succeeded
from tests.operate.test_advice import AZURE

ASKED = {"settings", "app", "app's roles", "event subscription"}
ACCOUNTS = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts"
VAULT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-x"
TOPICS = [
    {"name": "other", "resourceGroup": "rg", "source": f"{ACCOUNTS}/otheracct"},
    {"name": "topic", "resourceGroup": "rg-landing", "source": f"{ACCOUNTS}/landacct"},
]
WEBHOOK = "https://func-x.azurewebsites.net/runtime/webhooks/blobs"


LANDING = f"{ACCOUNTS}/landacct/blobServices/default/containers/landing"


def _roles(*, without: str = "", landing: str = LANDING) -> Reply:
    held = [
        ("Storage Blob Data Owner", f"{ACCOUNTS}/hostacct"),
        ("Storage Queue Data Contributor", f"{ACCOUNTS}/hostacct"),
        ("Storage Table Data Contributor", f"{ACCOUNTS}/hostacct"),
        ("Storage Blob Data Owner", landing),
        ("Storage Queue Data Contributor", f"{ACCOUNTS}/landacct/queueServices/default/queues/poison"),
        ("Key Vault Secrets User", VAULT),
    ]
    return _json([{"roleDefinitionName": role, "scope": scope} for role, scope in held if role != without])


def _json(value: Any) -> Reply:
    return succeeded(json.dumps(value))


def _subscription(state: str = "Succeeded", url: str = WEBHOOK) -> Reply:
    return _json([{"name": "sub", "provisioningState": state, "destination": {"endpointBaseUrl": url}}])


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeAz:
    """Put an `az` on the PATH by which all is well."""
    az = FakeAz(folder=tmp_path)
    az.script = {
        "functionapp show": [_json({"properties": {"state": "Running"}})],
        "role assignment list": [_roles()],
        "system-topic list": [_json(TOPICS)],
        "event-subscription list": [_subscription()],
    }
    monkeypatch.setenv("PATH", str(tmp_path))
    return az


def _found(az: FakeAz, azure: AzureApp | None = None, **changes: str) -> dict[str, Finding]:
    az.install()
    azure = azure or AzureApp(name="func-x", group="rg", subscription="s", landing_subscription="l")
    settings = {**AZURE, "AzureWebJobsStorage__clientId": "client", **changes}
    desk = Desk(origin=Origin(title="func-x", settings=settings, azure=azure), root=az.folder)
    checks = [check for check in CHECKS if check.name in ASKED]
    return {finding.check: finding for finding in examine(desk, checks)}


def test_app_its_roles_and_its_subscription_are_well(az: FakeAz) -> None:
    """Each asked for in the subscription that it is in, by the client id of the app."""
    found = _found(az)

    assert {finding.state for finding in found.values()} == {State.WELL}
    assert az.count("--assignee client --subscription s") == 1
    assert az.count("--assignee client --subscription l") == 1
    assert az.count("list --system-topic-name topic --resource-group rg-landing --subscription l") == 1
    assert az.count("list --system-topic-name other") == 0


@pytest.mark.parametrize(
    ("part", "reply", "check", "said"),
    [
        ("functionapp show", _json({"state": "Stopped"}), "app", "az functionapp start --name func-x"),
        (
            "role assignment list",
            _roles(without="Storage Table Data Contributor"),
            "app's roles",
            "--role 'Storage Table Data Contributor' --assignee client --scope \"$(az storage account show ",
        ),
        (
            "role assignment list",
            _roles(without="Key Vault Secrets User"),
            "app's roles",
            '"$(az keyvault show --name kv-x ',
        ),
        (
            "role assignment list",
            _roles(landing=f"{ACCOUNTS}/landacct2"),
            "app's roles",
            "'Storage Blob Data Owner' on landacct",
        ),
        ("event-subscription list", _subscription("Failed"), "event subscription", "in state Failed"),
        (
            "event-subscription list",
            _subscription(url="https://func-xy.azurewebsites.net/"),
            "event subscription",
            "No event subscription of the account landacct delivers to this app",
        ),
        ("system-topic list", _json([]), "event subscription", "`azd hooks run postdeploy`"),
        ("system-topic list", failed("ERROR: no right"), "event subscription", "ERROR: no right"),
    ],
)
def test_what_is_wrong_is_said_with_its_repair(
    az: FakeAz, part: str, reply: Reply, check: str, said: str
) -> None:
    """By its own check alone."""
    az.script[part] = [reply]

    found = _found(az)

    assert [name for name, finding in found.items() if finding.state is State.FAULT] == [check]
    assert said in found[check].text


def test_role_on_a_whole_group_is_enough(az: FakeAz) -> None:
    """As is one on the subscription."""
    roles = ["Storage Blob Data Owner", "Storage Queue Data Contributor", "Storage Table Data Contributor"]
    scopes = {**dict.fromkeys(roles, "/subscriptions/s/resourceGroups/rg"), "Key Vault Secrets User": VAULT}
    az.script["role assignment list"] = [
        _json([{"roleDefinitionName": role, "scope": scope} for role, scope in scopes.items()])
    ]

    assert _found(az)["app's roles"].state is State.WELL


def test_queue_of_the_app_is_a_destination_too(az: FakeAz) -> None:
    """With EVENT_SOURCE=queue Event Grid writes to the host account."""
    to_queue = {"destination": {"endpointType": "StorageQueue", "resourceId": f"{ACCOUNTS}/hostacct"}}
    az.script["event-subscription list"] = [
        _json([{"name": "sub", "provisioningState": "Succeeded", "deliveryWithResourceIdentity": to_queue}])
    ]

    assert _found(az, EVENT_SOURCE="queue")["event subscription"].text == "sub delivers"


def test_app_without_a_client_id_is_asked_for_its_own_identity(az: FakeAz) -> None:
    """A system-assigned one has no setting."""
    az.script["functionapp identity show"] = [_json({"principalId": "principal"})]

    found = _found(az, AzureApp(name="func-x", group="rg"), AzureWebJobsStorage__clientId="")

    assert found["app's roles"].state is State.WELL
    assert az.count("role assignment list --all --assignee principal") == 1
