"""Uploads files at random times, for all ways at once, and asks Airflow's database when each was noticed."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from azure.storage.blob import BlobServiceClient, ContainerClient

from benchmarks.record import spread
from benchmarks.upload.rig import Rig
from benchmarks.upload.slots import Slots
from benchmarks.upload.ways import WAYS, called_at, function_of
from local.host import RunningHost

_LEAD_SECONDS = (5.0, 65.0)
_PATIENCE_SECONDS = 240
_RUNS = "SELECT run_id, extract(epoch FROM queued_at) FROM dag_run WHERE dag_id = 'work'"
_WAITS = (
    "SELECT run_id, extract(epoch FROM end_date) FROM task_instance"
    " WHERE task_id = 'wait' AND end_date IS NOT NULL"
)


@dataclass(slots=True)
class Uploads:
    """Uploads files and knows when; each file's name begins with its way."""

    rig: Rig
    containers: dict[str, ContainerClient]
    at: dict[str, float]

    def put(self, file: str) -> None:
        """Upload a file."""
        self.containers[_way_of(file)].upload_blob(file, b"x")
        self.at[file] = time.time()

    def expect(self, file: str) -> None:
        """Start the run that waits for a file, where its way is a sensor."""
        way = _way_of(file)
        if WAYS[way].is_sensor:
            conf = {"filename": file, "container": self.containers[way].container_name}
            self.rig.start_run(way, f"wait-{file}", conf)

    def wait_for(self, files: set[str]) -> None:
        """Wait until the work of these files has begun.

        Raises:
            TimeoutError: That of some has not.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while missing := files - self.rig.began().keys():
            if time.monotonic() > deadline:
                msg = f"no work for {sorted(missing)}"
                raise TimeoutError(msg)
            time.sleep(1)


def measure(rig: Rig, names: list[str], *, files: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Upload `files` of each way within `seconds`; return what came of it. One before is not counted.

    Raises:
        TimeoutError: The work of some files has not begun.
    """
    with ExitStack() as stack:
        service = stack.enter_context(BlobServiceClient.from_connection_string(rig.azurite.connection_string))
        containers = {name: service.create_container(f"landing-{name.replace('_', '-')}") for name in names}
        hosts: dict[str, RunningHost | None] = {
            name: stack.enter_context(
                function_of(
                    WAYS[name],
                    azurite=rig.azurite,
                    airflow=rig.airflow,
                    container=containers[name].container_name,
                    airflow_url=f"http://127.0.0.1:{rig.fronts[name].port}",
                    landing=rig.landing(name),
                )
            )
            for name in names
        }
        uploads = Uploads(rig, containers, {})
        warm = [f"{name}-warm.csv" for name in names]
        for file in warm:
            uploads.put(file)
            uploads.expect(file)
        uploads.wait_for(set(warm))
        for proxy in (*rig.storages.values(), *rig.fronts.values()):
            proxy.reset()
        counted = {name: [f"{name}-{number:03}.csv" for number in range(files)] for name in names}
        with Slots(rig) as slots:
            _follow(_timetable(counted, seconds), uploads)
            uploads.wait_for({file for each in counted.values() for file in each})
        calls = {name: called_at(host.log()) if host else {} for name, host in hosts.items()}
        requests = {
            name: {"storage": dict(rig.storages[name].methods), "airflow": dict(rig.fronts[name].methods)}
            for name in names
        }
    return {
        name: {
            **_times(rig, counted[name], uploads.at, calls[name]),
            "title": WAYS[name].title,
            "files": files,
            "worker_slot_seconds_per_file": round(slots.worker_seconds[name] / files, 2),
            "trigger_seconds_per_file": round(slots.trigger_seconds[name] / files, 2),
            "requests": requests[name],
        }
        for name in names
    }


def _times(rig: Rig, files: list[str], at: dict[str, float], calls: dict[str, float]) -> dict[str, Any]:
    began = rig.began()
    moments = dict([*rig.query(_RUNS), *rig.query(_WAITS)])
    noticed = {file: float(moments[began[file]["run_id"]]) for file in files}
    found: dict[str, Any] = {
        "to_run": spread([noticed[file] - at[file] for file in files]),
        "to_work": spread([began[file]["began"] - at[file] for file in files]),
        "each_to_run": sorted(round(noticed[file] - at[file], 3) for file in files),
        "each_to_work": sorted(round(began[file]["began"] - at[file], 3) for file in files),
    }
    if calls:
        found["to_call"] = spread([calls[file] - at[file] for file in files])
        found["call_to_run"] = spread([noticed[file] - calls[file] for file in files])
    return found


def _way_of(file: str) -> str:
    return file.partition("-")[0]


def _timetable(files: dict[str, list[str]], seconds: float) -> list[tuple[float, bool, str]]:
    """Return what to do when: expect a file (False), upload it (True)."""
    chance = random.Random(16)  # noqa: S311
    table = []
    for file in (file for each in files.values() for file in each):
        moment = _LEAD_SECONDS[1] + chance.uniform(0, seconds)
        table += [(moment - chance.uniform(*_LEAD_SECONDS), False, file), (moment, True, file)]
    return sorted(table)


def _follow(table: list[tuple[float, bool, str]], uploads: Uploads) -> None:
    start = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        done = []
        for moment, is_upload, file in table:
            time.sleep(max(0.0, start + moment - time.monotonic()))
            done.append(pool.submit(uploads.put if is_upload else uploads.expect, file))
        for each in done:
            each.result()
