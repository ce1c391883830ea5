"""The wiring: names that others rely on, bindings, and what crosses them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.host.timer import Schedule
from shared.config.bindings import (
    BLOB_FUNCTION,
    DISPATCHER_FUNCTION,
    QUEUE_FUNCTION,
    RECONCILER_FUNCTION,
    SCHEDULES,
)

ROOT = Path(__file__).parents[1]
# In a process of its own: the decorators read the environment at import, and index only once.
SHOW = """
import json, function_app
functions = function_app.app.get_functions()
print(json.dumps({
    function.get_function_name(): [json.loads(str(binding)) for binding in function.get_raw_bindings()]
    for function in functions
}))
"""


def _functions(**environ: str) -> dict[str, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found


def test_names_of_the_functions_never_change() -> None:
    """Messages on their way and Event Grid's subscription carry them; the platform drops unknown ones."""
    assert (BLOB_FUNCTION, QUEUE_FUNCTION, DISPATCHER_FUNCTION) == (
        "blob_to_dag",
        "queue_to_dag",
        "dispatcher",
    )
    assert set(_functions()) == {"blob_to_dag", "queue_to_dag", "dispatcher"}


def test_reconciler_is_there_only_where_it_is_asked_for() -> None:
    """Off by default, and with a value that makes no schedule, which is then a fault of the settings."""
    [timer] = _functions(RECONCILE_EVERY="1h")[RECONCILER_FUNCTION]

    assert (RECONCILER_FUNCTION, timer["type"], timer["schedule"]) == (
        "reconciler",
        "timerTrigger",
        SCHEDULES["1h"],
    )
    assert RECONCILER_FUNCTION not in _functions(RECONCILE_EVERY="7h")
    assert all(Schedule.parse(schedule) for schedule in SCHEDULES.values())


@pytest.mark.parametrize(
    ("environ", "path", "source"),
    [
        ({}, "landing/{name}", "EventGrid"),
        (
            {"LANDING_PATH": "inbox/a/{x}", "EVENT_SOURCE": "LogsAndContainerScan"},
            "inbox/a/{x}",
            "LogsAndContainerScan",
        ),
        ({"EVENT_SOURCE": "queue"}, "landing/{name}", "EventGrid"),
        ({"LANDING_PATH": "{oops}", "EVENT_SOURCE": "pigeon"}, "landing/{name}", "EventGrid"),
    ],
)
def test_app_is_indexed_whatever_its_settings(environ: dict[str, str], path: str, source: str) -> None:
    """An app without functions loses events silently."""
    functions = _functions(**environ)

    [blob] = functions["blob_to_dag"]
    assert (blob["type"], blob["path"], blob["source"]) == ("blobTrigger", path, source)
    assert blob["connection"] == "LandingStorage"


def test_queue_and_timer_are_bound() -> None:
    """The event queue lies in the host's account; the dispatcher runs every half minute."""
    functions = _functions()

    [queue] = functions["queue_to_dag"]
    [timer] = functions["dispatcher"]
    assert (queue["type"], queue["queueName"], queue["connection"]) == (
        "queueTrigger", "airflow-events", "AzureWebJobsStorage",
    )  # fmt: skip
    assert (timer["type"], timer["schedule"], timer["useMonitor"]) == (
        "timerTrigger",
        "*/30 * * * * *",
        False,
    )


def test_entry_point_is_a_page() -> None:
    """Triggers only; what they do stands in shared/, which knows nothing of Azure Functions."""
    assert len((ROOT / "function_app.py").read_text(encoding="utf-8").splitlines()) < 120
    users = [path for path in (ROOT / "shared").rglob("*.py") if "azure.functions" in path.read_text("utf-8")]
    assert [path.name for path in users] == ["__init__.py"]  # which says so
