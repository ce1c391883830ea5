"""Azurite as the local stack starts it."""

from pathlib import Path

import psutil
import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueServiceClient

from local.azurite import Azurite, start_azurite
from local.processes import is_listening

pytestmark = pytest.mark.stack


def test_started_azurite_serves_blobs_and_queues(azurite: Azurite, landing: ContainerClient) -> None:
    """Both services answer under one connection string."""
    landing.upload_blob("a b/ü.csv", b"1")
    with QueueServiceClient.from_connection_string(azurite.connection_string) as queues:
        properties = queues.get_service_properties()

    assert [blob.name for blob in landing.list_blobs()] == ["a b/ü.csv"]
    assert "hour_metrics" in properties


def test_two_azurites_run_side_by_side(azurite: Azurite, tmp_path: Path) -> None:
    """Ports are free ones, so nothing collides."""
    with start_azurite(folder=tmp_path) as second:
        ports = {azurite.blob_port, azurite.queue_port, second.blob_port, second.queue_port}

        assert len(ports) == 4


def test_restarted_azurite_keeps_data_and_ports(azurite: Azurite, tmp_path: Path) -> None:
    """A stop and a start are an outage of the storage, not its loss."""
    with start_azurite(folder=tmp_path) as again:
        before = again.connection_string
        with BlobServiceClient.from_connection_string(before) as service:
            service.create_container("kept").upload_blob("file.txt", b"content")
        again.stop()
        stopped = not is_listening(again.blob_port)
        again.start()
        with BlobServiceClient.from_connection_string(before) as service:
            content = service.get_blob_client("kept", "file.txt").download_blob().readall()

        assert stopped
        assert again.connection_string == before
        assert content == b"content"


def test_stopped_azurite_leaves_nothing_behind(azurite: Azurite) -> None:
    """No process, no port and, for a temporary one, no folder."""
    with start_azurite() as temporary:
        assert temporary._process is not None
        pid = temporary._process.pid

    assert not psutil.pid_exists(pid)
    assert not is_listening(temporary.blob_port)
    assert not temporary.folder.exists()
