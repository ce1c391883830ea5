"""How the host is started, and how long it waits for what."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal, Self

ROOT = Path(__file__).parents[2]

type HostKind = Literal["auto", "func", "standin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTimes:
    """Every time that the stand-in waits for, in seconds; the defaults are the real host's.

    Attributes:
        container_scan: between two scans of a container for new blobs.
        receipt_lease: how long one host holds a blob receipt while it queues the blob (15 to 60).
        queue_poll_min: first pause after an empty queue poll.
        queue_poll_max: longest pause. For queue triggers `extensions.queues.maxPollingInterval` of
            host.json is a second limit.
        message_visibility: how long a received message stays hidden; it is renewed at half of it.
        renewal_min: shortest time between two renewals.
        singleton_lease: how long the lock of a timer outlives its host (15 to 60).
        singleton_retry: between two attempts to get a timer's lock.
        worker_restart: pause before a worker process that ended is started again.
        worker_start_timeout: for a worker process to load the app.
        host_restart: pause before the host is started again after a failure, as the platform does.
        ready_wait: how long a request waits for the host to be ready.
        function_timeout: for one invocation when host.json has no `functionTimeout`.
    """

    container_scan: float = 10
    receipt_lease: int = 30
    queue_poll_min: float = 0.1
    queue_poll_max: float = 60
    message_visibility: float = 600
    renewal_min: float = 60
    singleton_lease: int = 60
    singleton_retry: float = 60
    worker_restart: float = 1
    worker_start_timeout: float = 60
    host_restart: float = 10
    ready_wait: float = 30
    function_timeout: float = 1800

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Build from a JSON object of the times that differ from the defaults.

        Raises:
            ValueError: not an object, or an unknown name.
        """
        given = json.loads(text)
        known = {item.name for item in fields(cls)}
        if not isinstance(given, dict) or not set(given) <= known:
            msg = f"times must be a JSON object with names out of {sorted(known)}"
            raise ValueError(msg)
        return cls(**given)

    def to_json(self) -> str:
        """Return all times as a JSON object, as `from_json` takes it."""
        return json.dumps(asdict(self))


FAST = HostTimes(
    container_scan=0.2,
    receipt_lease=15,
    queue_poll_min=0.05,
    queue_poll_max=0.2,
    message_visibility=10,
    renewal_min=1,
    singleton_lease=15,
    singleton_retry=1,
    worker_restart=0.1,
    host_restart=0.5,
)
"""Short times for tests; the order of things is the same as with the defaults."""


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
        times: of the stand-in; Core Tools has its own.
        log_path: where the log goes; a temporary file, which is kept, if None. A second start appends.
        state_path: where the stand-in writes its address and keys once it is ready; beside the log if None.
        ready_timeout_seconds: for all functions to be loaded.
    """

    app: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    host: HostKind = field(default_factory=_host_of_environment)
    port: int = 0
    workers: int | None = None
    times: HostTimes = field(default_factory=HostTimes)
    log_path: Path | None = None
    state_path: Path | None = None
    ready_timeout_seconds: float = 60
