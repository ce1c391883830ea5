"""What every listener of a host needs."""

from dataclasses import dataclass

from local.host.host_json import HostJson
from local.host.host_log import Log
from local.host.invoker import Invoker
from local.host.storage import StorageAccounts
from local.host.times import HostTimes


@dataclass(frozen=True, slots=True, kw_only=True)
class HostParts:
    """The parts of one host that its listeners share.

    Attributes:
        invoker: runs functions.
        accounts: storage by connection name.
        host_id: part of the names of queues, receipts and locks.
        host_json: knobs.
        times: how often and how long.
        log: where to say what happens.
    """

    invoker: Invoker
    accounts: StorageAccounts
    host_id: str
    host_json: HostJson
    times: HostTimes
    log: Log
