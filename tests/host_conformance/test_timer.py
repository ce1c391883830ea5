"""Facts of the timer trigger."""

import time
from datetime import UTC, datetime

import pytest
import requests

from local.host import RunningHost
from local.host.functions import FunctionError
from local.host.timer import Schedule
from tests.host_conformance.harness import HostHarness, only

WATCH_SECONDS = 3


def test_timer_runs_in_one_of_two_hosts(own_harness: HostHarness) -> None:
    """A lock in the host's storage lets one host fire.

    Source: SDK Singleton, DOC functions-bindings-timer.md.
    """
    every_second = {**only("ticked"), "SCHEDULE": "* * * * * *"}
    with own_harness.host(every_second) as first, own_harness.host(every_second) as second:
        own_harness.wait_for_records("ticked")
        own_harness.record_path.unlink()
        time.sleep(WATCH_SECONDS)
        records = own_harness.records("ticked")
        pids = {*first.worker_pids, *second.worker_pids}

    assert len(pids) == 2
    assert len({record["pid"] for record in records}) == 1
    assert WATCH_SECONDS - 1 <= len(records) <= WATCH_SECONDS + 1


def test_run_longer_than_the_interval_is_followed_at_once(own_harness: HostHarness) -> None:
    """The next time counts from the start of a run; when it is over, the timer fires at once.

    Source: SDK extensions Timers/Listener/TimerListener.cs (GetNextTimerInterval).
    """
    settings = {**only("ticked"), "SCHEDULE": "* * * * * *", "TICK_SECONDS": "1.1"}
    with own_harness.host(settings):
        first, second, third = own_harness.wait_for_records("ticked", 3)[:3]

    assert second["started"] - first["ended"] < 0.6
    assert third["started"] - second["ended"] < 0.6


def test_admin_request_fires_timer_now(harness: HostHarness, host: RunningHost) -> None:
    """`POST /admin/functions/<name>` is 202 and runs the function.

    Source: DOC functions-manually-run-non-http.md.
    """
    answer = requests.post(
        f"{host.url}/admin/functions/ticked",
        headers={"x-functions-key": host.master_key},
        json={"input": ""},
        timeout=30,
    )
    host.wait_for_log("programmatically called via the host APIs", harness.patience)

    assert answer.status_code == 202
    assert harness.wait_for_records("ticked")


@pytest.mark.usefixtures("standin_only")
@pytest.mark.parametrize("path", ["functions/ticked", "host/drain"])
def test_admin_request_needs_the_master_key(host: RunningHost, path: str) -> None:
    """Other keys do not open `/admin`.

    Source: HOST; Core Tools ask for no keys.
    """
    answer = requests.post(
        f"{host.url}/admin/{path}", headers={"x-functions-key": host.system_key}, timeout=30
    )

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("*/30 * * * * *", "2026-11-21T08:00:02", "2026-11-21T08:00:30"),
        ("0 */5 * * * *", "2026-11-21T08:00:00", "2026-11-21T08:05:00"),
        ("0 30 9 * * *", "2026-11-21T09:30:00", "2026-11-22T09:30:00"),
    ],
)
def test_schedule_gives_next_time(text: str, now: str, expected: str) -> None:
    """Six fields with seconds first.

    Source: DOC functions-bindings-timer.md.
    """
    time = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert datetime.fromisoformat(expected).replace(tzinfo=UTC) == Schedule.parse(text).next_after(time)


@pytest.mark.parametrize(
    "text", ["", "61 * * * * *", "*/0 * * * * *", "* * * * *", "0 0 0 1 * *", "00:00:10"]
)
def test_unsupported_schedule_is_named(text: str) -> None:
    """A schedule that the stand-in does not support puts its function in error, with the text."""
    with pytest.raises(FunctionError) as caught:
        Schedule.parse(text)

    assert f"'{text}'" in str(caught.value)
