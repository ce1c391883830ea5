"""Azurite as the local stack starts it."""

from pathlib import Path

import psutil
import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueServiceClient

from local.azurite import SPARE_ACCOUNTS, Azurite, start_azurite
from local.processes import is_listening

pytestmark = pytest.mark.stack


def test_started_azurite_serves_blobs_queues_and_tables(azurite: Azurite, landing: ContainerClient) -> None:
    """All services answer under one connection string."""
    landing.upload_blob("a b/ü.csv", b"1")
    with QueueServiceClient.from_connection_string(azurite.connection_string) as queues:
        properties = queues.get_service_properties()
    with TableServiceClient.from_connection_string(azurite.connection_string) as tables:
        table_properties = tables.get_service_properties()

    assert [blob.name for blob in landing.list_blobs()] == ["a b/ü.csv"]
    assert "hour_metrics" in properties
    assert "hour_metrics" in table_properties


def test_accounts_do_not_see_each_other(azurite: Azurite) -> None:
    """Rows of one key in two accounts are two rows, and the development account has none of them."""
    accounts = [azurite.new_account(), azurite.new_account()]
    for account in accounts:
        with _tables(account) as tables:
            tables.create_table("things").create_entity(
                {"PartitionKey": "p", "RowKey": "r", "account": account}
            )

    for account in accounts:
        with _tables(account) as tables:
            rows = list(tables.get_table_client("things").list_entities())
        assert [row["account"] for row in rows] == [account]
    with _tables(azurite.connection_string) as tables:
        assert "things" not in [table.name for table in tables.list_tables()]


def test_accounts_that_run_out_are_an_error() -> None:
    """None is given out twice."""
    azurite = Azurite(folder=Path())
    given = {azurite.new_account() for _ in SPARE_ACCOUNTS}

    assert len(given) == len(SPARE_ACCOUNTS)
    with pytest.raises(LookupError, match="all 1000 spare accounts"):
        azurite.new_account()


def test_two_azurites_run_side_by_side(azurite: Azurite, tmp_path: Path) -> None:
    """Ports are free ones, so nothing collides."""
    with start_azurite(folder=tmp_path) as second:
        ports = {
            port for each in (azurite, second) for port in (each.blob_port, each.queue_port, each.table_port)
        }

        assert len(ports) == 6


def test_restarted_azurite_keeps_data_and_ports(azurite: Azurite, tmp_path: Path) -> None:
    """A stop and a start are an outage of the storage, not its loss."""
    with start_azurite(folder=tmp_path) as again:
        before = again.connection_string
        with BlobServiceClient.from_connection_string(before) as service:
            service.create_container("kept").upload_blob("file.txt", b"content")
        account = again.new_account()
        with _tables(account) as tables:
            tables.create_table("kept").create_entity({"PartitionKey": "p", "RowKey": "r"})
        again.stop()
        stopped = not is_listening(again.blob_port)
        again.start()
        with BlobServiceClient.from_connection_string(before) as service:
            content = service.get_blob_client("kept", "file.txt").download_blob().readall()
        with _tables(account) as tables:
            row = tables.get_table_client("kept").get_entity("p", "r")

        assert stopped
        assert again.connection_string == before
        assert content == b"content"
    assert row["RowKey"] == "r"


def test_stopped_azurite_leaves_nothing_behind(azurite: Azurite) -> None:
    """No process, no port and, for a temporary one, no folder."""
    with start_azurite() as temporary:
        assert temporary._process is not None
        pid = temporary._process.pid

    assert not psutil.pid_exists(pid)
    assert not is_listening(temporary.blob_port)
    assert not temporary.folder.exists()


def _tables(connection_string: str) -> TableServiceClient:
    return TableServiceClient.from_connection_string(connection_string)
