"""The parameters: defaults that are safe, and combinations that are refused with a message."""

import re

import pytest

from shared.config.settings import Settings
from tests.infra.app_facts import USABLE
from tests.infra.bicep import INFRA, Expression, inputs, load

SOURCES = load()


def test_airflow_is_protected_without_a_choice() -> None:
    """The default is a cap over all instances; 0 takes it away, which the app reads as none."""
    setting = SOURCES["modules/function.bicep"].variables["appSettings"]
    assert isinstance(setting, dict)
    assert setting["AIRFLOW_MAX_RUNS_PER_MINUTE"] == Expression(
        "airflow.maxRunsPerMinute == 0 ? '' : string(airflow.maxRunsPerMinute)"
    )
    default = inputs()["AIRFLOW_MAX_RUNS_PER_MINUTE"]

    assert Settings.from_env(USABLE | {"AIRFLOW_MAX_RUNS_PER_MINUTE": ""}).airflow_max_runs_per_minute is None
    capped = Settings.from_env(USABLE | {"AIRFLOW_MAX_RUNS_PER_MINUTE": str(default)})
    assert capped.airflow_max_runs_per_minute == 600


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("group.bicep", "EXISTING_LANDING_ACCOUNT_NAME is set, but EXISTING_LANDING_RESOURCE_GROUP"),
        ("modules/network.bicep", "EXISTING_APP_SUBNET_ID is set, but EXISTING_ENDPOINT_SUBNET_ID"),
        ("modules/topic-existing.bicep", "has no system-assigned identity"),
        ("modules/function.bicep", "INSTANCE_MEMORY_MB must be 512, 2048 or 4096."),
    ],
)
def test_what_cannot_work_is_refused_with_a_message(file: str, message: str) -> None:
    """The text is the argument of `fail()`, or of a variable that is."""
    text = SOURCES[file].text
    texts = {name: str(value) for name, value in SOURCES[file].variables.items()}
    failed = re.findall(r"\bfail\(('?)([^)]*?)\1\)", text)

    assert [said for _, said in failed if message in texts.get(said, said)]
    if file == "modules/topic-existing.bicep":
        assert "az eventgrid system-topic update" in text


def test_existing_account_may_lie_in_another_subscription() -> None:
    """Topic, roles and event subscription go to the account's group and subscription."""
    scope = Expression("resourceGroup(landingSubscriptionId, landingResourceGroup)")
    there = {
        name for name, module in SOURCES["group.bicep"].modules.items() if module.body.get("scope") == scope
    }

    assert there == {"landingStorage", "rolesLanding", "queueSubscription"}
    app = SOURCES["subscription.bicep"].resources["app"]
    assert app.body["scope"] == Expression(
        "resourceGroup(functionAppSubscriptionId, functionAppResourceGroup)"
    )


def test_both_groups_of_a_webhook_are_warmed() -> None:
    """Event Grid's call is HTTP, its message is taken by `blob`; the queue variant polls."""
    assert SOURCES["modules/function.bicep"].variables["warmGroups"] == Expression(
        "useWebhook ? ['http', 'blob'] : ['function:queue_to_dag']"
    )


def test_every_resource_that_can_carries_the_tags() -> None:
    """Cost centres are billed by tags."""
    untagged = [
        (file, name)
        for file, source in SOURCES.items()
        for name, block in source.resources.items()
        if not block.existing and "location" in block.body and "tags" not in block.body
    ]

    assert untagged == []


def test_names_can_follow_a_rule_of_their_own() -> None:
    """Each name in group.bicep can be replaced, and no other exists."""
    names = SOURCES["group.bicep"].variables["name"]
    assert isinstance(names, dict)

    assert set(names) == set(SOURCES["types.bicep"].types["nameOptions"])
    for name, value in names.items():
        assert getattr(value, "text", "").startswith(f"names.?{name} ?? ")


def test_accounts_can_be_locked_and_the_vault_recovered() -> None:
    """Off and `default` unless asked for."""
    lock = SOURCES["modules/storage.bicep"].resources["lock"]
    [vault] = SOURCES["modules/key-vault.bicep"].blocks("Microsoft.KeyVault/vaults")

    assert lock.body["properties"]["level"] == "CanNotDelete"
    assert "= if (options.locked)" in SOURCES["modules/storage.bicep"].text
    assert vault.body["properties"]["createMode"] == Expression("options.createMode")
    assert (inputs()["STORAGE_LOCKED"], inputs()["VAULT_CREATE_MODE"]) == ("false", "default")


def test_parameters_file_fills_every_member_of_every_type() -> None:
    """A member without a value does not compile."""
    text = (INFRA / "main.bicepparam").read_text()
    given = {
        name: set(re.findall(r"(?m)^  (\w+):", body))
        for name, body in re.findall(r"(?ms)^param (\w+) = \{\n(.*?)^\}", text)
    }
    kinds = dict(re.findall(r"(?m)^param (\w+) (\w+Options)$", SOURCES["main.bicep"].text))

    assert len(kinds) == 9
    assert {name: set(SOURCES["types.bicep"].types[kind]) for name, kind in kinds.items()} == given
