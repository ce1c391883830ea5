"""Upload a file into the running stack: `make upload FILE=... [NAME=...]`."""

import argparse
import json
import sys
from pathlib import Path

from azure.storage.blob import BlobServiceClient

from local.run import STATE_FILE
from local.stack import CONTAINER


def upload(file: Path, name: str, *, connection_string: str) -> str:
    """Upload a file, replacing any blob of that name; return the blob's URL."""
    with BlobServiceClient.from_connection_string(connection_string) as service:
        blob = service.get_blob_client(CONTAINER, name)
        with file.open("rb") as content:
            blob.upload_blob(content, overwrite=True)
        return blob.url


def main() -> None:
    """Parse the command line and upload."""
    parser = argparse.ArgumentParser(description="Upload a file into the landing container of `make run`.")
    parser.add_argument("file", type=Path)
    parser.add_argument("name", nargs="?", help="blob name (default: the file's name)")
    arguments = parser.parse_args()
    if not arguments.file.is_file():
        sys.exit(f"error: no such file: {arguments.file}")
    name = arguments.name or arguments.file.name
    if name.startswith(f"{CONTAINER}/"):
        sys.exit(f"error: NAME is the name in the container {CONTAINER}: leave out '{CONTAINER}/'")
    try:
        state = json.loads(STATE_FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        sys.exit("error: the stack is not running: start it with `make run` in another terminal")
    print(f"uploaded {upload(arguments.file, name, connection_string=state['connection_string'])}")


if __name__ == "__main__":
    main()
