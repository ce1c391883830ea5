"""Two workers at once, killed again and again: order is kept, and files with companions have one run each."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from shared.app import App
from tests.support.airflow_server import Exchange
from tests.support.fault_harness import FaultHarness
from tests.support.samples import MOMENT
from tests.support.scale import scaled
from tests.support.times import FAST
from tests.support.workers import start_workers

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

KILLS = scaled(6, 60)
CUSTOMERS = ("acme", "beta", "gamma")
ORDERED = """[[route]]
name = "ledger"
match = "landing/{customer}/{file}"
dag_id = "copy_file"
ordered = "{customer}"
"""
REQUIRES = """[[route]]
name = "payments"
match = "landing/{file}.csv"
dag_id = "copy_file"
requires = "landing/{file}.csv.done"
"""


def _app(harness: FaultHarness, settings: Mapping[str, str]) -> App:
    return App(settings, harness.log, FAST)


def _let_some_fail(harness: FaultHarness, part: float) -> None:
    """Let calls take a moment, so that workers meet; and a part of them fail, carried out or not."""

    def fault(exchange: Exchange) -> bool:
        if not exchange.path.endswith("/dagRuns"):
            return False
        time.sleep(0.05 * harness.random.random())
        chance = harness.random.random()
        if chance > part:
            return False
        if chance < part / 2:
            exchange.commit()
        if chance < part / 4:
            exchange.hang_up()
        else:
            exchange.answer(504, "<html>Gateway Time-out</html>")
        return True

    harness.airflow.faults.append(fault)


def _kill_and_finish(
    harness: FaultHarness, settings: Mapping[str, str], events: Sequence[Mapping[str, str]]
) -> int:
    """Let two workers work at once, kill either again and again, then let two finish; return the kills."""
    killed = 0
    with start_workers() as workers:
        pair = [workers.start(settings, events) for _ in range(2)]
        while killed < KILLS:
            time.sleep(0.2 + 0.6 * harness.random.random())
            victim = harness.random.randrange(2)
            workers.kill(pair[victim])
            pair[victim] = workers.start(settings, events)
            killed += 1
        workers.wait(*pair, seconds=scaled(120, 600))
    return killed


@pytest.mark.fault("two workers killed, ordered lanes", airflow="stand-in", host="two processes, no lease")
def test_order_of_each_key_survives_two_workers_that_are_killed(harness: FaultHarness) -> None:
    """All files wait; workers drain at once and are told of every file again, in any order."""
    settings = harness.settings(EVENT_SOURCE="queue", AIRFLOW_DAG_ID="", AIRFLOW_ROUTES=ORDERED)
    settings["AIRFLOW_RETRY_BUDGET_SECONDS"] = "0"  # so that each failure is the drain's
    names = {each: [f"{each}/{number:03}.csv" for number in range(scaled(15, 200))] for each in CUSTOMERS}
    events = [
        {"message": _message(harness, name, number)}
        for each in CUSTOMERS
        for number, name in enumerate(names[each])
    ]
    off = _app(harness, settings | {"AIRFLOW_ROUTES": ORDERED + "enabled = false\n"})
    harness.random.shuffle(events)
    for event in events:
        off.on_event(event["message"].encode())
    assert harness.waiting() == len(events)
    assert harness.airflow.runs == {}
    _let_some_fail(harness, 0.15)

    _kill_and_finish(harness, settings, events)
    harness.drain(_app(harness, settings))

    harness.assert_one_run_each([name for each in CUSTOMERS for name in names[each]])
    created = defaultdict(list)
    for body in harness.airflow.runs.values():
        created[body["conf"]["filename"].partition("/")[0]].append(body["conf"]["filename"])
    assert created == names
    # Both have posted: otherwise they were not at it at once.
    assert harness.airflow.requests["POST dagRuns"] > 1.2 * len(events)


@pytest.mark.fault("two workers killed, companions", airflow="stand-in", host="two processes, no lease")
def test_files_with_companions_have_one_run_each_although_two_workers_are_killed(
    harness: FaultHarness,
) -> None:
    """Each is told of everything, file and companion in any order, from the beginning after each kill."""
    settings = harness.settings(AIRFLOW_DAG_ID="", AIRFLOW_ROUTES=REQUIRES)
    names = harness.upload(scaled(25, 300))
    time.sleep(1)
    for name in names:
        harness.landing.upload_blob(f"{name}.done", b"")
    events = [{"container": "landing", "name": each} for name in names for each in (name, f"{name}.done")]
    _let_some_fail(harness, 0.15)

    _kill_and_finish(harness, settings, events)
    harness.drain(_app(harness, settings))

    harness.assert_one_run_each(names)
    assert all(len(body["conf"]["companions"]) == 1 for body in harness.airflow.runs.values())


@pytest.mark.fault("two workers killed, companions last", airflow="stand-in", host="two processes, no lease")
def test_companions_that_come_while_workers_are_killed_start_one_run_each(harness: FaultHarness) -> None:
    """The files wait in their lane; then the companions land, and only they are told of."""
    settings = harness.settings(AIRFLOW_DAG_ID="", AIRFLOW_ROUTES=REQUIRES)
    names = harness.upload(scaled(25, 300))
    harness.deliver(_app(harness, settings), names)
    assert harness.waiting() == len(names)
    for name in names:
        harness.landing.upload_blob(f"{name}.done", b"")
    _let_some_fail(harness, 0.15)

    _kill_and_finish(harness, settings, [{"container": "landing", "name": f"{name}.done"} for name in names])
    harness.drain(_app(harness, settings))

    harness.assert_one_run_each(names)


def _message(harness: FaultHarness, name: str, number: int) -> str:
    event = {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/landing/blobs/{name}",
        "eventTime": (MOMENT + timedelta(seconds=number)).isoformat(),
        "data": {
            "api": "PutBlob",
            "eTag": f"0x{number:X}",
            "contentLength": 1,
            "blobType": "BlockBlob",
            "url": f"{harness.landing.url}/{name}",
        },
    }
    return json.dumps(event)
