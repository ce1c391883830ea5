"""Facts of the timer trigger."""

import time

import requests

from local.host import RunningHost
from tests.host_conformance.stage import Stage

WATCH_SECONDS = 4


def test_timer_runs_in_one_of_two_hosts(own_stage: Stage) -> None:
    """A lock in the host's storage lets one host fire.

    Source: SDK Singleton, DOC functions-bindings-timer.md.
    """
    every_second = {"SCHEDULE": "* * * * * *"}
    with own_stage.host(every_second) as first, own_stage.host(every_second) as second:
        own_stage.wait_for_records("ticked")
        own_stage.record_path.unlink()
        time.sleep(WATCH_SECONDS)
        records = own_stage.records("ticked")
        pids = {*first.worker_pids, *second.worker_pids}

    assert len(pids) == 2
    assert len({record["pid"] for record in records}) == 1
    assert WATCH_SECONDS - 1 <= len(records) <= WATCH_SECONDS + 1


def test_admin_request_fires_timer_now(stage: Stage, host: RunningHost) -> None:
    """`POST /admin/functions/<name>` is 202 and runs the function.

    Source: DOC functions-manually-run-non-http.md.
    """
    before = len(stage.records("ticked"))
    answer = requests.post(
        f"{host.url}/admin/functions/ticked",
        headers={"x-functions-key": host.master_key},
        json={"input": ""},
        timeout=30,
    )

    assert answer.status_code == 202
    assert len(stage.wait_for_records("ticked", before + 1)) == before + 1
