"""How a test or a person wants the host."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from local.host.times import HostTimes

ROOT = Path(__file__).parents[2]

type HostKind = Literal["auto", "func", "standin"]


def _host_of_environment() -> HostKind:
    match os.environ.get("HOST"):
        case "func":
            return "func"
        case "standin":
            return "standin"
    return "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """What to start.

    Attributes:
        app: folder of `function_app.py` and `host.json`.
        environment: app settings, added to (and above) this process's own environment.
        host: `func` for Core Tools, `standin`, or `auto`: Core Tools where `func` is on the PATH.
        port: 0 for a free one.
        workers: worker processes; None for FUNCTIONS_WORKER_PROCESS_COUNT or 1.
        needs_keys: whether HTTP asks for keys, as in Azure. Core Tools asks for none.
        times: of the stand-in; Core Tools has its own.
        log_path: where the log goes; a temporary file, which stays, if None. A second start appends.
        ready_timeout_seconds: for all functions to be loaded.
    """

    app: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    host: HostKind = field(default_factory=_host_of_environment)
    port: int = 0
    workers: int | None = None
    needs_keys: bool = True
    times: HostTimes = field(default_factory=HostTimes)
    log_path: Path | None = None
    ready_timeout_seconds: float = 60
