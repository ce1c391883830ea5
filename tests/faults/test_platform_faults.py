"""What runs the app fails, in the real runtime: workers are killed, storage is away, settings are broken."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite import start_azurite
from local.host import FAST as FAST_HOST
from local.host import HostOptions, RunningHost, start_host
from shared.sources import blob_poison
from tests.support.airflow_server import Exchange
from tests.support.fault_harness import FaultHarness
from tests.support.scale import scaled
from tests.support.times import REAL_TIME_OF_DAY

pytestmark = pytest.mark.stack

APP = Path(__file__).with_name("app")
PRODUCT = Path(__file__).parents[2]
KILLS = scaled(6, 20)
TICK_SECONDS = 30


@contextmanager
def _host(
    harness: FaultHarness, *, workers: int = 1, app: Path = APP, **settings: str
) -> Iterator[RunningHost]:
    options = HostOptions(
        app=app,
        environment=harness.settings(
            EVENT_SOURCE="EventGrid", PYTHON_THREADPOOL_THREAD_COUNT="32", **settings
        ),
        host="standin",
        workers=workers,
        times=FAST_HOST,
    )
    with start_host(options) as host:
        yield host


def _announce(
    host: RunningHost, harness: FaultHarness, names: list[str], *, seconds: float = scaled(30, 600)
) -> None:
    """Tell the host of blobs as Event Grid does: again and again until it says 202."""
    end = time.monotonic() + seconds
    waiting = list(names)
    while waiting:
        assert time.monotonic() < end, f"{len(waiting)} events were not taken"
        events = [
            {
                "eventType": "Microsoft.Storage.BlobCreated",
                "data": {
                    "url": f"{harness.landing.url}/{name}",
                    "blobType": "BlockBlob",
                    "eTag": "0x1",
                },
            }
            for name in waiting[:20]
        ]
        try:
            answer = requests.post(
                f"{host.url}/runtime/webhooks/blobs",
                params={"functionName": "Host.Functions.blob_to_dag", "code": host.system_key},
                json=events,
                headers={"aeg-event-type": "Notification"},
                timeout=10,
            )
            if answer.status_code == 202:
                del waiting[:20]
                continue
        except requests.RequestException:
            pass
        time.sleep(0.2)


def _dispatch(host: RunningHost) -> None:
    """Fire the timer now instead of within half a minute."""
    requests.post(
        f"{host.url}/admin/functions/dispatcher",
        headers={"x-functions-key": host.master_key},
        json={},
        timeout=30,
    )


def _wait_for_runs(
    host: RunningHost, harness: FaultHarness, count: int, *, seconds: float = scaled(90, 900)
) -> None:
    end = time.monotonic() + seconds
    while len(harness.airflow.runs) < count or harness.waiting():
        assert time.monotonic() < end, (
            f"{len(harness.airflow.runs)} of {count} runs, {harness.waiting()} wait\n"
            f"{host.process.log_tail()}"
        )
        _dispatch(host)
        time.sleep(0.3)


def _wait_until(is_done: Callable[[], bool], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < end
        time.sleep(0.05)


def _poisoned(harness: FaultHarness) -> int:
    queues = QueueServiceClient.from_connection_string(harness.storage)
    names = [queue.name for queue in queues.list_queues()]
    if blob_poison.QUEUE not in names:
        return 0
    return queues.get_queue_client(blob_poison.QUEUE).get_queue_properties().approximate_message_count or 0


@pytest.mark.fault(
    "worker processes killed, three side by side", airflow="stand-in", host="stand-in, Python runtime"
)
def test_workers_killed_at_random_moments(harness: FaultHarness) -> None:
    """Three side by side, one of them killed again and again, Airflow failing now and then."""

    def fault(exchange: Exchange) -> bool:
        if not exchange.path.endswith("/dagRuns") or harness.random.random() > 0.1:
            time.sleep(0.02)
            return False
        exchange.commit()
        exchange.hang_up()
        return True

    harness.airflow.faults.append(fault)
    names = harness.upload(scaled(90, 300))
    with _host(harness, workers=3) as host:
        announcing = threading.Thread(target=_announce, args=(host, harness, names))
        announcing.start()
        killed = 0
        while killed < KILLS:
            time.sleep(0.1 + harness.random.random() / 3)
            with suppress(IndexError, ProcessLookupError):  # it is being started again
                host.kill_worker(harness.random.randrange(3))
                killed += 1
        announcing.join(60)
        _wait_for_runs(host, harness, len(names))

        assert len(harness.airflow.runs) == len(names)
        assert harness.dead() == []
        assert _poisoned(harness) == 0


@pytest.mark.fault(
    "worker killed in a drain: back within a tick", airflow="stand-in", host="stand-in, Python runtime"
)
def test_worker_killed_in_a_drain_is_back_at_work_within_one_tick(harness: FaultHarness) -> None:
    """Even where the next tick comes before the end of the lease, which nobody gives back."""
    delay = 0.5

    def slow(exchange: Exchange) -> bool:
        time.sleep(delay)
        return False

    harness.airflow.faults.append(slow)
    names = harness.upload(60)
    with _host(harness, app=PRODUCT, AIRFLOW_MAX_CONCURRENCY="1") as host:
        # Ticks come at the full and at the half minute.
        time.sleep((20 - time.time()) % 30)
        harness.park(names)
        _dispatch(host)
        _wait_until(lambda: len(harness.airflow.runs) >= 3, seconds=20)
        host.kill_worker()
        killed_at = time.monotonic()
        # The last call of the killed worker may still be in work.
        _wait_until(lambda: harness.airflow.created_at[-1] > killed_at + 2 * delay, seconds=60)
        delay = 0
        gap = harness.airflow.created_at[-1] - killed_at
        _wait_until(lambda: not harness.waiting(), seconds=60)

    print(f"back at work after {gap:.1f} s")  # noqa: T201
    assert gap <= TICK_SECONDS
    harness.assert_one_run_each(names)


@pytest.mark.fault("Azurite stopped and started again", airflow="stand-in", host="stand-in, Python runtime")
def test_storage_that_goes_away_in_the_middle(harness: FaultHarness, tmp_path: Path) -> None:
    """Events that were taken come again, events that were not are sent again; each is one run."""
    with start_azurite(folder=tmp_path) as azurite:
        service = BlobServiceClient.from_connection_string(azurite.connection_string)
        own = FaultHarness(
            storage=azurite.connection_string,
            landing=service.create_container("landing"),
            airflow=harness.airflow,
        )
        names = own.upload(scaled(60, 400))
        with _host(own) as host:
            _announce(host, own, names[: len(names) // 2])
            azurite.stop()
            time.sleep(1)
            azurite.start()
            _announce(host, own, names[len(names) // 2 :])
            _wait_for_runs(host, own, len(names), seconds=120)

        assert len(harness.airflow.runs) == len(names)


@pytest.mark.fault("settings broken for a while", airflow="stand-in", host="stand-in, Python runtime")
def test_settings_that_are_broken_for_a_while(harness: FaultHarness) -> None:
    """Events wait as they come, nothing is poisoned, and they flow once the settings are corrected."""
    names = harness.upload(25)
    with _host(harness, AIRFLOW_BASE_URL="not an address", AIRFLOW_MAX_CONCURRENCY="none") as host:
        _announce(host, harness, names)
        end = time.monotonic() + 30
        while harness.waiting() < len(names) and time.monotonic() < end:
            time.sleep(0.1)
        log = host.log()

    assert harness.waiting() == len(names)
    assert log.count("app.misconfigured") == 1
    assert harness.airflow.requests == {}

    with _host(harness) as host:
        _wait_for_runs(host, harness, len(names), seconds=90)

    assert len(harness.airflow.runs) == len(names)
    assert _poisoned(harness) == 0


@pytest.mark.fault(
    "burst over three workers keeps the cap", airflow="stand-in", host="stand-in, Python runtime"
)
def test_burst_over_three_workers_keeps_the_cap(harness: FaultHarness) -> None:
    """Never more calls in work than the cap of each instance, times the instances; every blob one run."""

    def slow(exchange: Exchange) -> bool:
        if exchange.path.endswith("/dagRuns"):
            time.sleep(0.01)
        return False

    harness.airflow.faults.append(slow)
    names = harness.upload(scaled(300, 10_000))
    with _host(harness, workers=3, AIRFLOW_MAX_CONCURRENCY="2") as host:
        _announce(host, harness, names)
        _wait_for_runs(host, harness, len(names))

    assert len(harness.airflow.runs) == len(names)
    assert harness.airflow.most_in_flight <= 3 * 2


@pytest.mark.fault("a global rate is kept", airflow="stand-in")
def test_global_rate_holds_over_all_instances(harness: FaultHarness) -> None:
    """One drain at a time sends everything, however many instances take events."""
    apps = [harness.app(REAL_TIME_OF_DAY, AIRFLOW_MAX_RUNS_PER_MINUTE="300") for _ in range(3)]
    names = harness.upload(40)
    for number, app in enumerate(apps):
        harness.deliver(app, names[number::3])
    harness.drain(apps[0])

    moments = sorted(harness.airflow.created_at)
    assert len(moments) == len(names)
    # Five a second; a drain that begins late, as each instance's first one, catches up with one run.
    assert all(sum(start <= moment < start + 2 for moment in moments) <= 12 for start in moments)
    assert moments[-1] - moments[0] >= (len(names) - 1) / 5 * 0.95
