"""The host for local use and tests: Core Tools where it is installed, else a stand-in for its listeners."""

from local.host.options import HostOptions
from local.host.running import HostStartError, RunningHost, start_host
from local.host.times import FAST, HostTimes

__all__ = ["FAST", "HostOptions", "HostStartError", "HostTimes", "RunningHost", "start_host"]
