"""The storage accounts: who may enter, what is created in them, and what is logged."""

import pytest

from tests.infra.bicep import Expression, Source, load

KIND = "Microsoft.Storage/storageAccounts"


@pytest.fixture(scope="module")
def storage() -> Source:
    """Return the module that creates both accounts."""
    return load()["modules/storage.bicep"]


def test_accounts_take_no_keys_and_show_nothing_to_the_public(storage: Source) -> None:
    """Both accounts come from the one module."""
    (account,) = storage.blocks(KIND)
    wanted = {
        "allowSharedKeyAccess": False,
        "allowBlobPublicAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
        "isLocalUserEnabled": False,
    }

    assert wanted.items() <= account.body["properties"].items()
    assert account.body["properties"]["networkAcls"]["bypass"] == "AzureServices"
    assert [name for name, source in load().items() if source.blocks(KIND)] == ["modules/storage.bicep"]


@pytest.mark.parametrize(
    ("service", "categories"),
    [
        ("blobService", {"StorageDelete"}),
        ("queueService", {"StorageWrite", "StorageDelete"}),
        ("tableService", {"StorageWrite", "StorageDelete"}),
    ],
)
def test_each_service_logs_who_changed_it(storage: Source, service: str, categories: set[str]) -> None:
    """A deleted dead letter or an edited row has an author."""
    (setting,) = (
        block
        for block in storage.blocks("Microsoft.Insights/diagnosticSettings")
        if block.body["scope"] == Expression(service)
    )

    logs = setting.body["properties"]["logs"]
    assert {log["category"] for log in logs if log["enabled"]} == categories


def test_each_name_is_created_in_its_service(storage: Source) -> None:
    """Containers, queues and tables each come from their own list."""
    made = {
        (service, block.body["parent"], block.body["name"])
        for service in ("blobServices/containers", "queueServices/queues", "tableServices/tables")
        for block in storage.blocks(f"{KIND}/{service}")
    }

    assert made == {
        ("blobServices/containers", Expression("blobService"), Expression("containerName")),
        ("queueServices/queues", Expression("queueService"), Expression("queueName")),
        ("tableServices/tables", Expression("tableService"), Expression("tableName")),
    }
