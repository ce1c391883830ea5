"""Azurite, the storage of the local stack: blobs and queues on loopback ports."""

import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from local.processes import LOOPBACK, NotInstalledError, Process, start_process

ROOT = Path(__file__).parents[1]
AZURITE_FOLDER = ROOT / ".stack" / "azurite"
PROGRAM = AZURITE_FOLDER / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
START_TIMEOUT_SECONDS = 60

# The public development account, the same in every Azurite.
# https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key
ACCOUNT_NAME = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_LISTENING = re.compile(r"Azurite (Blob|Queue) service is successfully listening at http://[^:/]+:(\d+)")


@dataclass(slots=True, kw_only=True)
class Azurite:
    """A running Azurite; a context manager that stops it.

    Attributes:
        folder: data and log (`azurite.log`); kept by `stop`, so that `start` goes on with the same data.
        blob_port: 0 lets the system choose at the first start; later starts use the same port.
        queue_port: likewise.
    """

    folder: Path
    blob_port: int = 0
    queue_port: int = 0
    _is_temporary: bool = False
    _process: Process | None = field(default=None, repr=False)

    @property
    def blob_url(self) -> str:
        """The blob endpoint, with the account in its path."""
        return f"http://{LOOPBACK}:{self.blob_port}/{ACCOUNT_NAME}"

    @property
    def queue_url(self) -> str:
        """The queue endpoint, with the account in its path."""
        return f"http://{LOOPBACK}:{self.queue_port}/{ACCOUNT_NAME}"

    @property
    def connection_string(self) -> str:
        """What the storage SDKs and the Functions host take."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT_NAME};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={self.blob_url};QueueEndpoint={self.queue_url};"
        )

    @property
    def log_path(self) -> Path:
        """Where the output of all starts is."""
        return self.folder / "azurite.log"

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.is_running

    def start(self) -> None:
        """Start it, and wait until blobs and queues are served.

        Raises:
            NotInstalledError: Node.js or Azurite is missing.
            ProcessError: it did not start, as when a port is taken.
        """
        if self.is_running:
            return
        written_before = self.log_path.stat().st_size if self.log_path.exists() else 0
        process = start_process(
            [
                *_command(),
                *("--location", self.folder / "data"),
                *("--blobPort", str(self.blob_port)),
                *("--queuePort", str(self.queue_port)),
                *("--tablePort", "0"),
                *("--skipApiVersionCheck", "--disableTelemetry", "--silent"),
            ],
            name="Azurite",
            log_path=self.log_path,
            cwd=self.folder,
        )
        self._process = process

        def listening_ports() -> dict[str, str] | None:
            ports = dict(_LISTENING.findall(process.log_path.read_bytes()[written_before:].decode()))
            return ports if len(ports) == len(("Blob", "Queue")) else None

        try:
            ports = process.wait_until(
                listening_ports, timeout_seconds=START_TIMEOUT_SECONDS, what="listening for blobs and queues"
            )
        except BaseException:
            self.stop()
            raise
        self.blob_port, self.queue_port = int(ports["Blob"]), int(ports["Queue"])

    def stop(self) -> None:
        """Stop it and keep its data; safe to call again."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if self._is_temporary:
            shutil.rmtree(self.folder, ignore_errors=True)


def start_azurite(*, folder: Path | None = None, blob_port: int = 0, queue_port: int = 0) -> Azurite:
    """Start Azurite; use the result in a `with`.

    Args:
        folder: keeps the data; a temporary one, removed at the end of the `with`, if None.
        blob_port: 0 for a free one.
        queue_port: 0 for a free one.
    """
    _command()
    azurite = Azurite(
        folder=folder or Path(tempfile.mkdtemp(prefix="azurite-")),
        blob_port=blob_port,
        queue_port=queue_port,
        _is_temporary=folder is None,
    )
    (azurite.folder / "data").mkdir(parents=True, exist_ok=True)
    azurite.start()
    return azurite


def _command() -> tuple[str | Path, ...]:
    node = shutil.which("node")
    if node is None:
        msg = "Node.js is missing: install Node.js 20 or newer (https://nodejs.org)"
        raise NotInstalledError(msg)
    if not PROGRAM.exists():
        msg = "Azurite is missing: run `make stack`"
        raise NotInstalledError(msg)
    return node, PROGRAM
