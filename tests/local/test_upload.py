"""`make upload` puts a file into the landing container."""

import subprocess
import sys
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from local.azurite import Azurite, start_azurite
from local.stack import CONTAINER
from local.upload import upload

ROOT = Path(__file__).parents[2]


def test_name_with_the_container_is_refused(tmp_path: Path) -> None:
    """It would be landing/landing/..., which no route is meant for."""
    file = tmp_path / "file.txt"
    file.write_text("x", encoding="utf-8")
    command = [sys.executable, "-m", "local.upload", str(file), "landing/in/file.txt"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert done.stderr == "error: NAME is the name in the container landing: leave out 'landing/'\n"


@pytest.mark.stack
def test_uploaded_file_overwrites_the_blob_of_its_name(azurite: Azurite, tmp_path: Path) -> None:
    """Uploading again makes a new version, which starts a new run."""
    file = tmp_path / "file.txt"
    with (
        start_azurite(folder=tmp_path / "azurite") as own,
        BlobServiceClient.from_connection_string(own.connection_string) as service,
    ):
        container = service.create_container(CONTAINER)
        for version in (b"one", b"two"):
            file.write_bytes(version)
            url = upload(file, "a folder/ü.txt", connection_string=own.connection_string)
        content = container.download_blob("a folder/ü.txt").readall()

    assert content == b"two"
    assert url == f"{own.blob_url}/{CONTAINER}/a%20folder/%C3%BC.txt"
