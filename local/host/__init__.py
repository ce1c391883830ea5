"""The host for local use and tests: Core Tools where it is installed, else a stand-in for its listeners."""

from local.host.options import FAST, HostOptions, HostTimes
from local.host.running import HostStartError, RunningHost, start_host

__all__ = ["FAST", "HostOptions", "HostStartError", "HostTimes", "RunningHost", "start_host"]
