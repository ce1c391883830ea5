"""The times of the host: how often it looks, how long it holds, with the real host's values as defaults."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTimes:
    """Every time that the stand-in waits for, in seconds.

    Attributes:
        container_scan: between two scans of a container for new blobs.
        receipt_lease: how long one host holds a blob receipt while it queues the blob (15 to 60).
        queue_poll_min: first pause after an empty queue poll.
        queue_poll_max: longest pause; reached by random exponential back-off. For queue triggers
            `extensions.queues.maxPollingInterval` of host.json is a second limit.
        message_visibility: how long a received message stays hidden; it is renewed at half of it.
        renewal_min: shortest time between two renewals.
        singleton_lease: how long the lock of a timer outlives its host (15 to 60).
        singleton_retry: between two tries of a host that has not got a timer's lock.
        worker_restart: pause before a worker process that ended is started again.
        worker_start_timeout: for a worker process to load the app.
        index_error_repeat: between two complaints about an app that could not be loaded.
        drain: for running invocations to end when the host is asked to stop.
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
    index_error_repeat: float = 10
    drain: float = 10
    function_timeout: float = 1800

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Build from a JSON object of the times that differ from the defaults.

        Raises:
            ValueError: not an object, or a name that is no time of the host.
        """
        given = json.loads(text)
        known = {field.name for field in fields(cls)}
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
    index_error_repeat=1,
    drain=2,
)
"""Short times for tests; the order of things is the same as with the defaults."""
