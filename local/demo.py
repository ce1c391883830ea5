"""Upload three files, and show the DAG runs that they start: `make demo`."""

import json
import sys
import time
from dataclasses import dataclass

from azure.storage.blob import BlobServiceClient

from local.airflow import AirflowApi, DagRun, logged_conf
from local.airflow.api import FINAL_STATES
from local.host import HostStartError
from local.install import InstallError, install_all
from local.processes import NotInstalledError, ProcessError, interrupt_on_signals
from local.stack import CONTAINER, DAG_ID, WELL_KNOWN, Ports, Stack, start_stack

RUNS_TIMEOUT_SECONDS = 120
POLL_SECONDS = 0.5
POISON_QUEUE = "webjobs-blobtrigger-poison"

FILES = {
    "empty.csv": b"",
    "Größe & Maß, 数 2026.csv": "name;größe\nBrücke;12\n".encode(),
    "reports/2026/summary.json": b'{"total": 3}\n',
}


class DemoError(RuntimeError):
    """A file has no successful run; the message names it and ends with the app's log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A file and its run; `conf` is the JSON that the DAG itself logged."""

    filename: str
    run: DagRun
    conf: str


def upload(stack: Stack) -> None:
    """Upload the files."""
    with BlobServiceClient.from_connection_string(stack.azurite.connection_string) as service:
        for name, content in FILES.items():
            service.get_blob_client(CONTAINER, name).upload_blob(content)
            print(f"uploaded {name} ({len(content)} bytes)", flush=True)


def wait_for_runs(stack: Stack) -> dict[str, DagRun]:
    """Wait until each file has one finished run; return the runs by file name.

    Raises:
        DemoError: a run is missing or failed, or a file has two.
    """
    api = stack.airflow.api
    deadline = time.monotonic() + RUNS_TIMEOUT_SECONDS
    reported: dict[str, str] = {}
    while True:
        runs = api.runs(DAG_ID)
        for run in runs:
            if reported.get(run.run_id) != run.state:
                reported[run.run_id] = run.state
                print(f"{run.state:<8} {run.conf.get('filename')}", flush=True)
        ended = {run.conf.get("filename", ""): run for run in runs if run.state in FINAL_STATES}
        if ended.keys() == FILES.keys():
            break
        # The host moves an event to the poison queue after the app has failed on it five times.
        given_up = POISON_QUEUE in stack.host.log()
        if given_up or time.monotonic() >= deadline or not stack.is_running:
            missing = sorted(FILES.keys() - ended.keys())
            msg = f"no finished run for {missing}\n--- the app's log ---\n{stack.host.process.log_tail()}"
            raise DemoError(msg)
        time.sleep(POLL_SECONDS)
    if len(runs) != len(FILES) or any(run.state != "success" for run in runs):
        msg = f"expected one successful run per file, got {runs}"
        raise DemoError(msg)
    return ended


def read_back(api: AirflowApi, runs: dict[str, DagRun]) -> list[Shown]:
    """Read the conf that each DAG run logged.

    Raises:
        DemoError: a run logged no conf.
    """
    shown = []
    for filename, run in runs.items():
        conf = logged_conf(api.task_log(DAG_ID, run.run_id, DAG_ID))
        if conf is None:
            msg = f"{run.run_id} logged no conf"
            raise DemoError(msg)
        shown.append(Shown(filename=filename, run=run, conf=conf))
    return sorted(shown, key=lambda one: list(FILES).index(one.filename))


def show(one: Shown) -> None:
    """Print a file, its run and the conf."""
    print(f"\n{one.filename}")
    print(f"  run id  {one.run.run_id}")
    print(f"  state   {one.run.state}")
    print("  conf    as the DAG logged it:")
    for key, value in json.loads(one.conf).items():
        print(f"          {key}: {json.dumps(value, ensure_ascii=False)}")


def demo(*, ports: Ports) -> list[Shown]:
    """Run the demo; return what it showed."""
    began = time.monotonic()
    with start_stack(ports=ports) as stack:
        upload(stack)
        shown = read_back(stack.airflow.api, wait_for_runs(stack))
        for one in shown:
            show(one)
        print(flush=True)
    print(f"the demo took {time.monotonic() - began:.0f} s", flush=True)
    return shown


def main() -> None:
    """Install what is missing, and run the demo."""
    interrupt_on_signals()
    try:
        install_all()
        demo(ports=WELL_KNOWN)
    except (InstallError, NotInstalledError, ProcessError, HostStartError, DemoError, TimeoutError) as exc:
        sys.exit(f"error: {exc}")
    except KeyboardInterrupt:
        sys.exit("interrupted")


if __name__ == "__main__":
    main()
