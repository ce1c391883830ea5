"""What a running host tells its starter: a small file, replaced as a whole when something changes."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """A host that is ready.

    Attributes:
        url: its address.
        worker_pids: process ids of its workers.
        system_key: key of the Event Grid webhook.
        function_key: key of all functions.
        master_key: key of `/admin`.
    """

    url: str
    worker_pids: tuple[int, ...]
    system_key: str = ""
    function_key: str = ""
    master_key: str = ""

    def write(self, path: Path) -> None:
        """Write it, readable by the owner only: it holds keys."""
        part = path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read it; None when the host is not ready yet."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return cls(**{**document, "worker_pids": tuple(document["worker_pids"])})
