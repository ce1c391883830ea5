"""What a reviewer of a company subscription would look for, held for every template at once."""

import json
import re

import pytest

from tests.infra.bicep import INFRA, Expression, Source, inputs, load

SOURCES = load()

FORBIDDEN_ON_FLEX = {
    "APPINSIGHTS_INSTRUMENTATIONKEY",
    "AzureWebJobsStorage",
    "ENABLE_ORYX_BUILD",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_RUN_FROM_PACKAGE",
}
"""App settings that a Flex Consumption app must not have: functionAppConfig replaces them."""

COMPLETE_CALLS = ["PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"]


def _source(name: str) -> Source:
    return SOURCES[name]


def test_telemetry_takes_no_keys() -> None:
    """Workspace and Application Insights refuse local authentication."""
    source = _source("modules/monitoring.bicep")
    workspaces = source.blocks("Microsoft.OperationalInsights/workspaces")
    (insights,) = source.blocks("Microsoft.Insights/components")

    assert source.variables["features"] == {
        "disableLocalAuth": True,
        "enableLogAccessUsingOnlyResourcePermissions": True,
    }
    assert [workspace.body["properties"]["features"] for workspace in workspaces] == [
        Expression("features")
    ] * 2
    assert insights.body["properties"]["DisableLocalAuth"] is True


def test_daily_cap_stops_no_audit_lines() -> None:
    """It stops every table of its workspace; the vault's lines go to one that has none."""
    workspaces = _source("modules/monitoring.bicep").resources
    (vault,) = [module for module in _source("group.bicep").modules.values() if "key-vault" in module.kind]
    (audit,) = _source("modules/key-vault.bicep").blocks("Microsoft.Insights/diagnosticSettings")

    assert "workspaceCapping" in workspaces["workspace"].body["properties"]
    assert "workspaceCapping" not in workspaces["auditWorkspace"].body["properties"]
    assert vault.body["params"]["auditWorkspaceId"] == Expression("monitoring.outputs.auditWorkspaceId")
    assert audit.body["properties"]["workspaceId"] == Expression("auditWorkspaceId")
    assert audit.body["properties"]["logs"] == [{"category": "AuditEvent", "enabled": True}]


def test_lines_are_paid_once() -> None:
    """Application Insights has them; FunctionAppLogs would have them again."""
    (logs,) = _source("modules/function.bicep").blocks("Microsoft.Insights/diagnosticSettings")

    assert logs.body["properties"]["logs"] == [
        {"category": "FunctionAppLogs", "enabled": Expression("shipsFunctionAppLogs")}
    ]
    assert inputs()["FUNCTION_APP_LOGS"] == inputs("group")["FUNCTION_APP_LOGS"] == "false"


def test_vault_uses_roles_and_keeps_what_is_deleted() -> None:
    """RBAC, 90 days, and purge protection by default."""
    (vault,) = _source("modules/key-vault.bicep").blocks("Microsoft.KeyVault/vaults")

    assert vault.body["properties"]["enableRbacAuthorization"] is True
    assert vault.body["properties"]["softDeleteRetentionInDays"] == 90
    assert vault.body["properties"]["enablePurgeProtection"] == Expression(
        "options.purgeProtection ? true : null"
    )
    assert inputs()["VAULT_PURGE_PROTECTION"] == "true"
    assert inputs()["STORAGE_SKU"] == "Standard_ZRS"


def test_app_is_closed_but_for_event_grid() -> None:
    """HTTPS and TLS 1.2, no FTP, no passwords for publishing, everyone else denied."""
    source = _source("modules/function.bicep")
    (app,) = source.blocks("Microsoft.Web/sites")
    site = app.body["properties"]["siteConfig"]
    policies = source.blocks("Microsoft.Web/sites/basicPublishingCredentialsPolicies")

    assert app.body["properties"]["httpsOnly"] is True
    assert site["ftpsState"] == "Disabled"
    assert site["minTlsVersion"] == site["scmMinTlsVersion"] == "1.2"
    assert site["ipSecurityRestrictionsDefaultAction"] == "Deny"
    assert {(item.body["name"], item.body["properties"]["allow"]) for item in policies} == {
        ("ftp", False),
        ("scm", False),
    }
    assert "for (addresses, index) in network.callerAddressRanges" in source.text
    assert inputs()["CALLER_ADDRESS_RANGES"] == ""
    assert app.body["properties"]["functionsRuntimeAdminIsolationEnabled"] is True


def test_runtime_is_in_the_app_config_and_forbidden_settings_are_absent() -> None:
    """Flex Consumption has its own place for runtime, package and scale."""
    source = _source("modules/function.bicep")
    (app,) = source.blocks("Microsoft.Web/sites")
    config = app.body["properties"]["functionAppConfig"]
    host, own = source.variables["hostSettings"], source.variables["appSettings"]
    assert isinstance(host, dict)
    assert isinstance(own, dict)
    tunable = _source("modules/tuning.bicep").types["tuningSettings"]

    assert config["runtime"] == {"name": "python", "version": "3.13"}
    assert config["deployment"]["storage"]["authentication"]["type"] == "UserAssignedIdentity"
    assert not (set(host) | set(own) | set(tunable)) & FORBIDDEN_ON_FLEX
    assert "linuxFxVersion" not in source.text
    assert "sealed()" in _source("modules/tuning.bicep").decorators["tuningSettings"]


def test_list_functions_stand_in_one_file_only() -> None:
    """Keys are read by the second phase alone, and go nowhere but into the webhook's address."""
    files = {name for name, source in SOURCES.items() if re.search(r"\blist[A-Z]\w*\(", source.text)}

    assert files == {"subscription.bicep"}
    assert _source("subscription.bicep").outputs == {}
    assert _source("subscription.bicep").text.count("keys.") == 1


def test_no_output_and_no_parameter_carries_a_secret() -> None:
    """Outputs and parameters are names, ids and addresses; nothing is marked secure, for nothing needs it."""
    secret = re.compile(r"key|password|token|connectionstring|sas", re.IGNORECASE)
    for name, source in SOURCES.items():
        outputs = {key for key, value in source.outputs.items() if secret.search(f"{key} {value}")}
        params = {param for param in source.params if secret.search(param)}

        assert outputs - {"KEY_VAULT_NAME"} == set(), name
        assert params == set(), name
        assert "@secure()" not in source.text, name


@pytest.mark.parametrize("name", ["subscription.bicep", "modules/queue-subscription.bicep"])
def test_event_subscription_is_narrow_and_loses_nothing(name: str) -> None:
    """One container's blobs, complete files only, 24 hours of tries, then a dead letter by identity."""
    (block,) = _source(name).blocks("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    properties = block.body["properties"]
    dead = properties["deadLetterWithResourceIdentity"]
    queue = "queue" in name
    (api,) = properties["filter"]["advancedFilters"]

    assert properties["filter"]["subjectBeginsWith"] == (
        "/blobServices/default/containers/${landingContainer}/blobs/${landingPrefix}"
    )
    assert api["key"] == "data.api"
    assert api["values"] == COMPLETE_CALLS + (["RenameFile", "SftpRename"] if queue else [])
    assert properties["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"] + (
        ["Microsoft.Storage.BlobRenamed"] if queue else []
    )
    assert properties["eventDeliverySchema"] == "EventGridSchema"
    assert properties["retryPolicy"] == {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440}
    assert dead["identity"] == {"type": "SystemAssigned"}
    assert dead["deadLetterDestination"]["properties"]["blobContainerName"] == Expression(
        "deadLetterContainer"
    )


def test_queue_variant_needs_no_key_and_its_messages_never_expire() -> None:
    """Event Grid delivers with its own identity, in the one deployment."""
    (block,) = _source("modules/queue-subscription.bicep").blocks(
        "Microsoft.EventGrid/systemTopics/eventSubscriptions"
    )
    delivery = block.body["properties"]["deliveryWithResourceIdentity"]

    assert delivery["identity"] == {"type": "SystemAssigned"}
    assert delivery["destination"]["endpointType"] == "StorageQueue"
    assert delivery["destination"]["properties"]["queueMessageTimeToLiveInSeconds"] == -1
    assert "roles" in _source("group.bicep").modules["queueSubscription"].body["dependsOn"][0].text


def test_nothing_deletes_dead_letters() -> None:
    """They are replayed first: no lifecycle rule exists."""
    assert not [
        name
        for name, source in SOURCES.items()
        if source.blocks("Microsoft.Storage/storageAccounts/managementPolicies")
    ]


def test_each_resource_type_has_one_version() -> None:
    """Two versions of one type would give two shapes of the same thing."""
    versions: dict[str, set[str]] = {}
    for source in SOURCES.values():
        for block in source.resources.values():
            kind, _, version = block.kind.partition("@")
            versions.setdefault(kind.lower(), set()).add(version)

    assert {kind: found for kind, found in versions.items() if len(found) > 1} == {}


def test_parameters_file_sets_parameters_that_exist() -> None:
    """Each is a parameter of main.bicep, and each that has no default is set."""
    text = (INFRA / "main.bicepparam").read_text()
    given = set(re.findall(r"(?m)^param (\w+) =", text))
    params = _source("main.bicep").params

    assert given <= set(params)
    assert {name for name, default in params.items() if default == Expression("")} <= given


def test_linter_settings_are_json() -> None:
    """A broken bicepconfig.json would be a broken build."""
    rules = json.loads((INFRA / "bicepconfig.json").read_text())["analyzers"]["core"]["rules"]

    assert {rule["level"] for rule in rules.values()} <= {"error", "warning"}
