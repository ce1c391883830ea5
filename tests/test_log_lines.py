"""The app's lines reach Application Insights from every thread, and are small.

The host drops a record of the worker that belongs to no invocation.
"""

import json
import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import azure_functions_runtime
import pytest
from azure.storage.blob import BlobServiceClient

from local.host import FAST, HostOptions, start_host
from local.worker.__main__ import WireHandler
from local.worker.wire import Wire
from shared.app import App
from shared.model.errors import RunRefused
from shared.storage.drain_lease import DrainLease
from tests.support.airflow_server import airflow_server
from tests.support.harness import OutboxHarness, failing
from tests.support.rows import OUTBOX, count_rows

SHARED = Path(__file__).parents[1] / "shared"
INVOCATION = "5c2f7b9e-3f0a-4f5e-9a55-0d1c7b1e2f3a"
_THREADS = {"Thread", "Timer", "ThreadPoolExecutor"}
MOST_BYTES = 1_024
"""Of all lines of one file on its way to its run, as they are shipped."""

runtime = cast("Any", azure_functions_runtime)


@dataclass
class Records:
    """Stands for the wire to the host; keeps what the worker's handler sends."""

    sent: list[dict[str, Any]] = field(default_factory=list)

    def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


@pytest.fixture
def records() -> Iterator[Records]:
    """Let the worker's own handler take all records, within an invocation."""
    records = Records()
    handler = WireHandler(cast("Wire", records))
    root = logging.getLogger()
    level, token = root.level, runtime.invocation_id_cv.set(INVOCATION)
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    yield records
    root.removeHandler(handler)
    root.setLevel(level)
    runtime.invocation_id_cv.reset(token)


def test_records_of_the_drains_threads_have_the_invocation(records: Records) -> None:
    """Those that deliver, count and delete: the host drops a record without one."""
    harness = OutboxHarness(AIRFLOW_MAX_QUEUED_RUNS="10")
    harness.park("good", "bad")
    refuse = failing(RunRefused("no"), names={"bad"})
    count = harness.airflow.waiting_runs

    def answer(run: Any) -> None:
        logging.getLogger("azure").warning("deliver")
        refuse(run)

    def counted(dag_id: str | None = None) -> int:
        logging.getLogger("azure").warning("count")
        return count(dag_id)

    def delete(operation: str, _entity: object) -> None:
        if operation == "transact":
            logging.getLogger("azure").warning("delete")

    harness.airflow.answer = answer
    harness.airflow.waiting_runs = counted  # type: ignore[method-assign]
    harness.storage.outbox.faults.append(delete)
    harness.drain()

    said = {record["message"].partition(" ")[0] for record in records.sent}
    assert {"run.created", "run.dead", "drain.done", "deliver", "count", "delete"} <= said
    assert {record["invocation_id"] for record in records.sent} == {INVOCATION}


@pytest.mark.stack
def test_records_of_the_leases_thread_have_the_invocation(records: Records, storage_account: str) -> None:
    """A renewal that fails is what the SDK warns of."""
    renewed = threading.Event()

    class Loud(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if threading.current_thread() is not threading.main_thread():
                renewed.set()

    logging.getLogger("azure").addHandler(loud := Loud())
    logging.getLogger("azure").setLevel(logging.INFO)
    try:
        with BlobServiceClient.from_connection_string(storage_account) as service:
            lease = DrainLease(service, renewal_seconds=0.05)
            with lease.hold():
                assert renewed.wait(10)
    finally:
        logging.getLogger("azure").removeHandler(loud)
        logging.getLogger("azure").setLevel(logging.WARNING)

    assert {record["invocation_id"] for record in records.sent} == {INVOCATION}


def test_every_thread_of_the_app_runs_in_the_context_that_started_it() -> None:
    """But one: the look-up of a name asks the operating system and logs nothing."""
    bare = {
        path.relative_to(SHARED).as_posix()
        for path in SHARED.rglob("*.py")
        if _THREADS & (text := set(re.findall(r"\w+", path.read_text()))) and "copy_context" not in text
    }

    assert bare == {"airflow/deadline.py"}


@pytest.mark.stack
def test_lines_of_a_file_are_few_and_small_and_those_of_the_dispatcher_arrive(storage_account: str) -> None:
    """In the real runtime: a file that is delivered at once, and one that the dispatcher delivers."""
    name = "orders/2026/11/20/part-00001-of-00010.csv"
    with BlobServiceClient.from_connection_string(storage_account) as service, airflow_server() as airflow:
        landing = service.create_container("landing")
        environment = {
            "AzureWebJobsStorage": storage_account,
            "LandingStorage": storage_account,
            "EVENT_SOURCE": "LogsAndContainerScan",
            "AIRFLOW_BASE_URL": airflow.base_url,
            "AIRFLOW_DAG_ID": "copy_file",
            "AIRFLOW_AUTH": "none",
        }
        # A file that came while the settings were not usable.
        App({"AzureWebJobsStorage": storage_account}).on_blob("landing", "waits.csv")
        landing.upload_blob("waits.csv", b"x")
        options = HostOptions(environment=environment, host="standin", times=FAST, ready_timeout_seconds=300)
        with start_host(options) as host:
            host.wait_for_log("Function.dispatcher.User: run.", 300)
            landing.upload_blob(name, b"content")
            host.process.wait_until(
                lambda: len(_lines(host.log(), name)) == 2, timeout_seconds=300, what="two lines"
            )
            log = host.log()

    lines = _lines(log, name)
    assert [line.partition(" ")[0] for _, line in lines] == ["blob.observed", "run.created"]
    size = sum(len(shipped(category, line)) for category, line in lines)
    print(f"{size} bytes, {sum(len(line) for _, line in lines)} of them the lines")  # noqa: T201
    assert size < MOST_BYTES
    assert count_rows(storage_account, OUTBOX) == 0


def _lines(log: str, name: str) -> list[tuple[str, str]]:
    """Return category and text of the app's lines about a blob."""
    found = re.findall(r"\] (Function\.\w+\.User): (.*)", log)
    return [(category, line) for category, line in found if f'blob="landing/{name}"' in line]


def shipped(category: str, line: str) -> bytes:
    """Return what the host ships of a line of ours: the text, and the properties that it adds.

    Source: SDK Microsoft.Azure.WebJobs.Logging.ApplicationInsights/ApplicationInsightsLogger.cs (LogTrace,
    ApplyScopeProperties, ApplyKnownProperties), HOST ScriptConstants.cs (HostInstanceId, ProcessId).
    """
    properties = {
        "Category": category,
        "LogLevel": "Information",
        "InvocationId": INVOCATION,
        "HostInstanceId": INVOCATION,
        "ProcessId": "12345",
    }
    return (line + json.dumps(properties, separators=(",", ":"))).encode()
