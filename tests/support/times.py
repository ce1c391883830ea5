"""The app's times for fault tests: the same order of things, sooner."""

from shared.timing import Timing

FAST = Timing(dispatch_seconds=5, visibility_seconds=5, airflow_probe_seconds=0.5, log_in_probe_seconds=0.5)
