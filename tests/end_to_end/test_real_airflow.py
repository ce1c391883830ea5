"""From an upload to a run in a real Airflow 3, through the real Python runtime."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.storage.blob import ContainerClient

from local.airflow import Airflow, DagRun
from local.host import FAST, HostOptions, start_host
from shared.app import App
from shared.event_log import EventLog
from tests.end_to_end.conftest import DAG_ID
from tests.support.crashes import crash_everywhere
from tests.support.rows import DEAD_LETTERS, OUTBOX, count_rows
from tests.support.scale import scaled

pytestmark = [pytest.mark.stack, pytest.mark.airflow]

HOSTILE = [
    "plain.csv", "in/a/folder.csv", "empty", "sp ace.csv", "Größe 数 😀.csv", "u\u0308ber.csv", "über.csv",
    'q"uote\'s.csv', "a%2Fb.csv", "a%25b.csv", "a..b.csv", "a?b=c&d#e.csv", "{{ conf }}.csv",
    "$(id);`id`.csv", "scheduled__2026-01-01.csv", "x" * 700 + ".csv",
]  # fmt: skip
# The host's own pattern does not match these when it scans; they arrive through Event Grid only.
MORE_HOSTILE = ["line\nbreak.csv", "tab\t.csv", "x" * 1_024]


def _wait(seconds: float, is_done: Callable[[], bool], state: Callable[[], object]) -> None:
    end = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < end, f"not within {seconds} s: {state()}"
        time.sleep(0.25)


def _runs_of(airflow: Airflow, landing: ContainerClient) -> list[DagRun]:
    return [run for run in airflow.api.runs(DAG_ID) if run.conf.get("container") == landing.container_name]


def test_hostile_names_arrive_intact(
    settings: dict[str, str], landing: ContainerClient, quiet_airflow: Airflow
) -> None:
    """Each file has one run with its exact name in the conf, and one line in the log."""
    for name in HOSTILE:
        landing.upload_blob(name, b"" if name == "empty" else b"12345")

    with start_host(HostOptions(environment=settings, host="standin", times=FAST)) as host:
        _wait(120, lambda: len(_runs_of(quiet_airflow, landing)) >= len(HOSTILE), host.process.log_tail)
        log = host.log()

    runs = _runs_of(quiet_airflow, landing)
    assert sorted(run.conf["filename"] for run in runs) == sorted(HOSTILE)
    assert {run.conf["size"] for run in runs if run.conf["filename"] == "empty"} == {0}
    assert all(run.conf["traceparent"] for run in runs)
    lines = [line for line in log.splitlines() if "blob.observed" in line]
    assert len(lines) == len(HOSTILE)
    assert all("size=" in line for line in lines)


def test_names_that_break_lines_arrive_intact(
    settings: dict[str, str],
    landing: ContainerClient,
    quiet_airflow: Airflow,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A line break in a name is data: one run, and one line in the log."""
    app = App(settings, EventLog())
    for name in MORE_HOSTILE:
        landing.upload_blob(name, b"12345")

    with caplog.at_level("INFO", logger="blob_to_dag"):
        for name in MORE_HOSTILE:
            app.on_blob(landing.container_name, name)

    runs = _runs_of(quiet_airflow, landing)
    lines = [record.getMessage() for record in caplog.records if "blob.observed" in record.getMessage()]
    assert sorted(run.conf["filename"] for run in runs) == sorted(MORE_HOSTILE)
    assert [len(line.splitlines()) for line in lines] == [1] * len(MORE_HOSTILE)


def test_same_version_is_one_run_and_another_version_a_second(
    settings: dict[str, str], landing: ContainerClient, quiet_airflow: Airflow
) -> None:
    """Delivered twice, overwritten, delivered twice."""
    app = App(settings, EventLog())
    for _ in range(2):
        landing.upload_blob("a.csv", b"same content", overwrite=True)
        for _ in range(2):
            app.on_blob(landing.container_name, "a.csv")

    runs = _runs_of(quiet_airflow, landing)
    assert len(runs) == 2
    assert len({run.conf["etag"] for run in runs}) == 2


def test_fifty_deliveries_at_once_are_one_run(
    settings: dict[str, str], landing: ContainerClient, quiet_airflow: Airflow
) -> None:
    """The first one creates it, the others find it."""
    landing.upload_blob("a.csv", b"x")
    app = App({**settings, "AIRFLOW_MAX_CONCURRENCY": "16"}, EventLog())

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda _: app.on_blob(landing.container_name, "a.csv"), range(50)))

    assert len(_runs_of(quiet_airflow, landing)) == 1


@pytest.mark.fault("process killed around the trigger call", airflow="3, PostgreSQL")
def test_process_killed_on_its_way_to_a_real_airflow(
    settings: dict[str, str], landing: ContainerClient, quiet_airflow: Airflow
) -> None:
    """Before and after I/O calls of the first delivery; the platform calls again: one run each."""

    def prepare(name: str) -> list[str]:
        landing.upload_blob(name, b"x")
        return ["live", landing.container_name, name]

    def recover(name: str) -> None:
        App(settings, EventLog()).on_blob(landing.container_name, name)

    names = crash_everywhere(settings, prepare, recover)

    runs = _runs_of(quiet_airflow, landing)
    assert sorted(run.conf["filename"] for run in runs) == sorted(names)


@pytest.mark.fault(
    "real Airflow down for the whole upload", airflow="3, PostgreSQL", host="stand-in, Python runtime"
)
def test_airflow_that_is_down_for_the_whole_upload_loses_nothing(
    settings: dict[str, str], storage_account: str, landing: ContainerClient, quiet_airflow: Airflow
) -> None:
    """Every file waits in the outbox; the first run starts with the dispatcher's next tick."""
    files = scaled(15, 500)

    def waiting() -> int:
        return count_rows(storage_account, OUTBOX)

    quiet_airflow.stop()
    with start_host(HostOptions(environment=settings, host="standin", times=FAST)) as host:
        for number in range(files):
            landing.upload_blob(f"{number}.csv", b"x")
        _wait(120, lambda: waiting() == files, lambda: (waiting(), host.process.log_tail()))
        quiet_airflow.start()
        up = time.monotonic()
        _wait(60, lambda: bool(_runs_of(quiet_airflow, landing)), host.process.log_tail)
        first = time.monotonic() - up
        _wait(
            scaled(180, 2_400), lambda: len(_runs_of(quiet_airflow, landing)) >= files, host.process.log_tail
        )
        _wait(60, lambda: waiting() == 0, host.process.log_tail)

    # A tick is 30 s; the rest is for a slow machine.
    assert first <= 45
    assert count_rows(storage_account, DEAD_LETTERS) == 0
    assert len(_runs_of(quiet_airflow, landing)) == files
