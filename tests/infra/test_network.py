"""The private network: nothing without the parameter, everything behind it."""

import re

from tests.infra.bicep import Expression, inputs, load

SOURCES = load()
NETWORK = SOURCES["modules/network.bicep"]


def test_without_the_parameter_nothing_changes() -> None:
    """No network is made, and the firewalls are open to whoever has a role."""
    assert inputs()["PRIVATE_NETWORK"] == "false"
    assert "= if (network.private)" in SOURCES["group.bicep"].text
    made = {file for file, source in SOURCES.items() if "Microsoft.Network/" in source.text}
    assert made == {"modules/network.bicep"}


def test_storage_and_vault_are_closed_in_a_private_network() -> None:
    """All but trusted services, by the same switch: Event Grid writes its dead letters with its identity."""
    for file, kind in (
        ("modules/storage.bicep", "Microsoft.Storage/storageAccounts"),
        ("modules/key-vault.bicep", "Microsoft.KeyVault/vaults"),
    ):
        [block] = SOURCES[file].blocks(kind)
        rules = block.body["properties"]["networkAcls"]

        assert rules["defaultAction"] == Expression("network.private ? 'Deny' : 'Allow'")
        assert rules["bypass"] == "AzureServices"
        assert "network.operatorAddressRanges" in rules["ipRules"].text


def test_every_service_of_the_app_has_an_endpoint_and_a_zone() -> None:
    """Host storage: blob, queue and table; landing account: blob and queue; the vault."""
    endpoints = NETWORK.variables["endpoints"]
    assert isinstance(endpoints, list)
    made = {
        (str(getattr(item["target"], "text", "")), str(item["part"]))
        for item in endpoints
        if isinstance(item, dict)
    }
    zones = NETWORK.variables["zoneNames"]
    assert isinstance(zones, dict)

    assert made == {
        *(("hostAccountId", part) for part in ("blob", "queue", "table")),
        *(("landingAccountId", part) for part in ("blob", "queue")),
        ("vaultId", "vault"),
    }
    assert {part for _, part in made} == set(zones)


def test_the_app_calls_through_its_subnet() -> None:
    """All traffic, Airflow's too; Flex Consumption needs its own delegation."""
    [app] = SOURCES["modules/function.bicep"].blocks("Microsoft.Web/sites")

    assert app.body["properties"]["virtualNetworkSubnetId"] == Expression("empty(subnetId) ? null : subnetId")
    assert app.body["properties"]["outboundVnetRouting"] == Expression(
        "empty(subnetId) ? null : { allTraffic: true }"
    )
    assert "serviceName: 'Microsoft.App/environments'" in NETWORK.text


def test_a_network_and_zones_of_a_hub_can_be_used() -> None:
    """Then none of them is made."""
    for name in ("appGroup", "endpointGroup", "network"):
        assert re.search(rf"resource {name} '[^']+' = if \(isNew\)", NETWORK.text)
    assert NETWORK.variables["newZones"] == Expression("makeZones ? items(zoneNames) : []")
    assert NETWORK.variables["recorded"] == Expression("options.dnsZones == 'none' ? [] : endpoints")
