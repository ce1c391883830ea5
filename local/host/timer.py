"""Fires a function with a timer trigger: on its schedule, in one host of the app at a time.

Source: SDK extensions Timers (TimerListener, StorageScheduleMonitor): the status of a schedule lies in
`azure-webjobs-hosts/timers/<host id>/<function>/status`, so that a missed time is made up for.
"""

import contextlib
import json
import threading
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from local.host.functions import Function
from local.host.host_log import brief
from local.host.invoker import Invocation
from local.host.parts import HostParts
from local.host.receipts import HOSTS_CONTAINER
from local.host.schedule import parse_schedule
from local.host.singleton import Singleton
from local.host.storage import HOST_CONNECTION
from local.host.typed_data import json_text

# The monitor is switched off for schedules that come more often than this.
_MONITORED_FROM = timedelta(minutes=1)


class Timer:
    """A thread that holds the timer's lock and fires; without the lock it only tries to get it."""

    def __init__(self, *, function: Function, parts: HostParts) -> None:
        self._function = function
        self._invoker = parts.invoker
        self._times = parts.times
        self._log = parts.log
        self._schedule = parse_schedule(str(function.trigger["schedule"]))
        blobs = parts.accounts.blobs(HOST_CONNECTION)
        self._status = blobs.get_blob_client(
            HOSTS_CONTAINER, f"timers/{parts.host_id}/{function.host_id}/status"
        )
        self._singleton = Singleton(
            blobs=blobs,
            host_id=parts.host_id,
            name=f"{function.host_id}.Listener",
            lease_seconds=parts.times.singleton_lease,
        )
        self._stopping = False
        self._is_firing = False
        self._wake = threading.Event()
        self._due: datetime | None = None
        self._thread = threading.Thread(target=self._keep, name=f"timer-{function.name}", daemon=True)

    def start(self) -> None:
        """Begin to compete for the lock."""
        self._thread.start()

    def stop(self) -> None:
        """Fire no more, and let another host have the lock."""
        self._stopping = True
        self._wake.set()
        self._singleton.release()

    def fire(self, *, reason: str, is_past_due: bool = False) -> bool:
        """Run the function once and wait for its end; False when it failed."""
        now = datetime.now(UTC)
        status = {
            "Last": now.isoformat(),
            "Next": self._schedule.next_after(now).isoformat(),
            "LastUpdated": now.isoformat(),
        }
        payload = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": is_past_due}
        answer = self._invoker.invoke(
            Invocation(function=self._function, value=json_text(json.dumps(payload)), reason=reason)
        )
        return answer.error is None

    def _keep(self) -> None:
        """Hold the lock while the host lives; a thread of its own fires meanwhile."""
        while not self._stopping:
            self._wake.clear()
            if not self._singleton.try_hold():
                self._due = None
                self._wake.wait(self._times.singleton_retry)
                continue
            pause = self._singleton.renewal_seconds
            if not self._is_firing and self._is_due():
                self._is_firing = True
                threading.Thread(target=self._tick, name=f"{self._thread.name}-run", daemon=True).start()
            elif not self._is_firing and self._due is not None:
                pause = min(pause, max((self._due - datetime.now(UTC)).total_seconds(), 0))
            self._wake.wait(pause)

    def _is_due(self) -> bool:
        return self._due is None or datetime.now(UTC) >= self._due

    def _tick(self) -> None:
        """Fire if it is time, then find out the next time."""
        try:
            now = datetime.now(UTC)
            if self._due is None:
                missed = self._missed(now)
                if missed or self._function.trigger.get("runOnStartup"):
                    self.fire(reason="Timer fired at startup", is_past_due=missed)
            else:
                self.fire(reason=f"Timer fired at {now.isoformat()}")
            # The next time counts from the end: runs of one timer never overlap.
            self._due = self._schedule.next_after(datetime.now(UTC))
            self._write_status(last=now, due=self._due)
        except Exception as exc:  # noqa: BLE001 (a failed write must not end the timer)
            self._due = self._schedule.next_after(datetime.now(UTC))
            self._log(f"Timer '{self._function.name}': {brief(exc)}", level="Error")
        finally:
            self._is_firing = False
            self._wake.set()

    @property
    def _is_monitored(self) -> bool:
        now = datetime.now(UTC)
        first = self._schedule.next_after(now)
        often = self._schedule.next_after(first) - first < _MONITORED_FROM
        return bool(self._function.trigger.get("useMonitor", True)) and not often

    def _missed(self, now: datetime) -> bool:
        if not self._is_monitored:
            return False
        with contextlib.suppress(ResourceNotFoundError, ValueError, KeyError):
            status = json.loads(self._status.download_blob().readall())
            return datetime.fromisoformat(status["Next"]) < now
        return False

    def _write_status(self, *, last: datetime, due: datetime) -> None:
        if self._is_monitored:
            status = {"Last": last.isoformat(), "Next": due.isoformat(), "LastUpdated": last.isoformat()}
            with contextlib.suppress(ResourceExistsError):
                self._status.upload_blob(json.dumps(status).encode(), overwrite=True)
