"""Fires a function with a timer trigger: on its schedule, in one host of the app at a time.

Source: SDK extensions Timers/Listener/TimerListener.cs; DOC functions-bindings-timer.md.
"""

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from local.host.functions import Function, FunctionError
from local.host.host_log import brief
from local.host.invoker import HostServices, Invocation
from local.host.singleton import Singleton
from local.host.storage import HOST_CONNECTION
from local.worker.protos import json_text

# Values of each field; None for day, month and weekday, which must be `*`.
_LIMITS = (60, 60, 24, None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The part of NCRONTAB that apps here use: seconds, minutes and hours, every day."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse six fields: `*`, `*/n` or a number in the first three, `*` in the others.

        Raises:
            FunctionError: the text is anything else.
        """
        try:
            values = [_values(field, limit) for field, limit in zip(text.split(), _LIMITS, strict=True)]
        except ValueError as exc:
            msg = f"The stand-in does not support the schedule expression '{text}'."
            raise FunctionError(msg) from exc
        return cls(seconds=values[0], minutes=values[1], hours=values[2])

    def next_after(self, time: datetime) -> datetime:
        """Return the first time after `time`, to the second."""
        start = time.replace(microsecond=0) + timedelta(seconds=1)
        today = start.replace(hour=0, minute=0, second=0)
        return next(
            found
            for day in (today, today + timedelta(days=1))
            for hour in self.hours
            for minute in self.minutes
            if day.replace(hour=hour, minute=minute, second=59) >= start
            for second in self.seconds
            if (found := day.replace(hour=hour, minute=minute, second=second)) >= start
        )


class Timer:
    """A thread that holds the timer's lock and fires; without the lock it only tries to get it."""

    def __init__(self, *, function: Function, services: HostServices) -> None:
        self._function = function
        self._invoker = services.invoker
        self._times = services.times
        self._log = services.log
        self._schedule = Schedule.parse(str(function.trigger["schedule"]))
        self._singleton = Singleton(
            blobs=services.accounts.blobs(HOST_CONNECTION),
            host_id=services.host_id,
            name=f"{function.host_id}.Listener",
            lease_seconds=services.times.singleton_lease,
        )
        self._is_stopping = False
        self._is_draining = False
        self._is_firing = False
        self._wake = threading.Event()
        self._due: datetime | None = None
        self._thread = threading.Thread(target=self._keep, name=f"timer-{function.name}", daemon=True)

    def start(self) -> None:
        """Begin to compete for the lock."""
        self._thread.start()

    def stop(self, *, drain: bool) -> None:
        """Fire no more, and release the lock; with `drain` only after the running invocation."""
        self._is_draining = drain
        self._is_stopping = True
        self._wake.set()
        if not drain:
            self._singleton.release()

    def fire(self, reason: str) -> None:
        """Run the function once and wait for its end."""
        payload = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
        value = json_text(json.dumps(payload))
        self._invoker.invoke(Invocation(function=self._function, value=value, reason=reason))

    def _keep(self) -> None:
        """Hold the lock while the host lives; another thread fires meanwhile."""
        while not self._is_stopping or (self._is_draining and self._is_firing):
            self._wake.clear()
            if not self._singleton.try_hold():
                self._due = None
                self._wake.wait(self._times.singleton_retry)
                continue
            pause = self._singleton.renewal_seconds
            if not self._is_firing and not self._is_stopping:
                now = datetime.now(UTC)
                if self._due is None:
                    self._due = self._schedule.next_after(now)
                if now >= self._due:
                    self._is_firing = True
                    threading.Thread(target=self._tick, name=f"{self._thread.name}-run", daemon=True).start()
                else:
                    pause = min(pause, (self._due - now).total_seconds())
            self._wake.wait(pause)
        if self._is_draining:
            self._singleton.release()

    def _tick(self) -> None:
        """Fire. The next time counts from the start: after a run longer than the interval it is at once."""
        started = datetime.now(UTC)
        try:
            self.fire(f"Timer fired at {started.isoformat()}")
        except Exception as exc:  # noqa: BLE001 (no error may end the schedule)
            self._log(f"Timer '{self._function.name}': {brief(exc)}", level="Error")
        finally:
            self._due = self._schedule.next_after(started)
            self._is_firing = False
            self._wake.set()


def _values(field: str, limit: int | None) -> tuple[int, ...]:
    if field == "*":
        return tuple(range(limit or 1))
    step, number = (int(field[2:]), 0) if field.startswith("*/") else (60, int(field))
    if limit is None or not 0 <= number < limit or step < 1:
        raise ValueError(field)
    return tuple(range(number, limit, step))
