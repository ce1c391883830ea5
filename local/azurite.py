"""Azurite, the storage of the local stack: blobs, queues and tables on loopback ports."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from local.processes import LOOPBACK, NotInstalledError, Process, Stoppable, start_process

ROOT = Path(__file__).parents[1]
AZURITE_FOLDER = ROOT / ".stack" / "azurite"
PROGRAM = AZURITE_FOLDER / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
START_TIMEOUT_SECONDS = 60

# The public development account, the same in every Azurite.
# https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key
ACCOUNT_NAME = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

# One key for all: the accounts keep tests apart, not strangers.
SPARE_ACCOUNTS = [f"spare{number:03}" for number in range(1000)]

_SERVICES = ("Blob", "Queue", "Table")
# https://learn.microsoft.com/azure/storage/common/storage-use-azurite#custom-storage-accounts-and-keys
_ACCOUNTS = ";".join(f"{account}:{ACCOUNT_KEY}" for account in (ACCOUNT_NAME, *SPARE_ACCOUNTS))
_LISTENING = re.compile(
    r"Azurite (Blob|Queue|Table) service is successfully listening at http://[^:/]+:(\d+)"
)


@dataclass(slots=True, kw_only=True)
class Azurite(Stoppable):
    """A running Azurite; a context manager that stops it.

    Attributes:
        folder: data and log (`azurite.log`); kept by `stop`, so that `start` goes on with the same data.
        blob_port: 0 lets the system choose at the first start; later starts use the same port.
        queue_port: likewise.
        table_port: likewise.
    """

    folder: Path
    blob_port: int = 0
    queue_port: int = 0
    table_port: int = 0
    _is_temporary: bool = False
    _spare_accounts: Iterator[str] = field(default_factory=lambda: iter(SPARE_ACCOUNTS), repr=False)
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
    def table_url(self) -> str:
        """The table endpoint, with the account in its path."""
        return f"http://{LOOPBACK}:{self.table_port}/{ACCOUNT_NAME}"

    @property
    def connection_string(self) -> str:
        """The development account, as the storage SDKs and the Functions host take it."""
        return self._connection_string(ACCOUNT_NAME)

    def new_account(self) -> str:
        """Return the connection string of an account that nobody else has, empty in a new `folder`.

        Raises:
            LookupError: all spare accounts are in use.
        """
        account = next(self._spare_accounts, None)
        if account is None:
            msg = f"all {len(SPARE_ACCOUNTS)} spare accounts of this Azurite are in use"
            raise LookupError(msg)
        return self._connection_string(account)

    def _connection_string(self, account: str) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint=http://{LOOPBACK}:{self.blob_port}/{account};"
            f"QueueEndpoint=http://{LOOPBACK}:{self.queue_port}/{account};"
            f"TableEndpoint=http://{LOOPBACK}:{self.table_port}/{account};"
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
        """Start it, and wait until blobs, queues and tables are served.

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
                *("--tablePort", str(self.table_port)),
                *("--skipApiVersionCheck", "--disableTelemetry", "--silent"),
            ],
            name="Azurite",
            log_path=self.log_path,
            env=dict(os.environ) | {"AZURITE_ACCOUNTS": _ACCOUNTS},
            cwd=self.folder,
        )
        self._process = process

        def listening_ports() -> dict[str, str] | None:
            ports = dict(_LISTENING.findall(process.log_path.read_bytes()[written_before:].decode()))
            return ports if len(ports) == len(_SERVICES) else None

        try:
            ports = process.wait_until(
                listening_ports,
                timeout_seconds=START_TIMEOUT_SECONDS,
                what="listening for all services",
            )
        except BaseException:
            self.stop()
            raise
        self.blob_port, self.queue_port, self.table_port = (int(ports[name]) for name in _SERVICES)

    def stop(self) -> None:
        """Stop it and keep its data; safe to call again."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def clean_up(self) -> None:
        """Remove a temporary folder."""
        if self._is_temporary:
            shutil.rmtree(self.folder, ignore_errors=True)


def start_azurite(
    *, folder: Path | None = None, blob_port: int = 0, queue_port: int = 0, table_port: int = 0
) -> Azurite:
    """Start Azurite; use the result in a `with`.

    Args:
        folder: keeps the data; a temporary one, removed at the end of the `with`, if None.
        blob_port: 0 for a free one.
        queue_port: 0 for a free one.
        table_port: 0 for a free one.
    """
    _command()
    azurite = Azurite(
        folder=folder or Path(tempfile.mkdtemp(prefix="azurite-")),
        blob_port=blob_port,
        queue_port=queue_port,
        table_port=table_port,
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
