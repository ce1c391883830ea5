"""host.json, the settings and the code agree with each other."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.config.bindings import BLOB_FUNCTION, DISPATCHER_FUNCTION, QUEUE_FUNCTION
from shared.config.settings import Settings
from shared.timing import Timing

ROOT = Path(__file__).parents[1]
HOST: dict[str, Any] = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
EXAMPLE: dict[str, str] = json.loads(
    (ROOT / "local.settings.json.example").read_text(encoding="utf-8")
)["Values"]  # fmt: skip


def _parallelism() -> int:
    blobs = HOST["extensions"]["blobs"]["maxDegreeOfParallelism"]
    queues = HOST["extensions"]["queues"]["batchSize"] + HOST["extensions"]["queues"]["newBatchThreshold"]
    return int(blobs) + int(queues)


def _seconds(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds)).total_seconds()


@pytest.mark.parametrize(
    "threads", [Settings.table()["threads"].default, EXAMPLE["PYTHON_THREADPOOL_THREAD_COUNT"]]
)
def test_threads_suffice_for_all_triggers_at_once(threads: str) -> None:
    """An invocation that waits for a thread holds its message and its time-out runs."""
    assert int(threads) >= _parallelism() + 2  # the timer, and a look at an HTTP function


def test_deployment_cannot_set_fewer_threads_than_that() -> None:
    """The template's least is the parallelism of host.json."""
    template = (ROOT / "infra" / "types.bicep").read_text(encoding="utf-8")
    [least] = re.findall(r"@minValue\((\d+)\)\n@maxValue\(\d+\)\ntype threadCountValue", template)

    assert int(least) == _parallelism() + 2


def test_no_retry_policy_multiplies_the_hosts_attempts() -> None:
    """The blob trigger's five attempts are the host's; a policy would run inside of each."""
    assert "retry" not in HOST


def test_quick_retries_end_well_before_the_function_does() -> None:
    """Less than a third of functionTimeout, even at the largest budget that can be set."""
    largest = 90.0

    with pytest.raises(ValueError, match="from 0 to 90"):
        Settings.table()["airflow_retry_budget_seconds"].parse(str(largest + 1))
    assert largest < _seconds(HOST["functionTimeout"]) / 3


def test_dispatcher_ends_well_before_the_function_does() -> None:
    """Redrive and drain share one time; the last row may need five calls to Airflow with their time-outs."""
    table = Settings.table()
    call = sum(float(table[f"airflow_{what}_timeout_seconds"].default or 0) for what in ("connect", "read"))

    assert Timing().dispatch_seconds + 5 * call < _seconds(HOST["functionTimeout"])


def test_poison_threshold_is_the_documented_one() -> None:
    """docs/guarantees.md counts on five attempts."""
    assert HOST["extensions"]["blobs"]["poisonBlobThreshold"] == 5
    assert HOST["extensions"]["queues"]["maxDequeueCount"] == 5


def test_log_lines_of_events_are_not_sampled_away() -> None:
    """One line for each event is a promise."""
    excluded = HOST["logging"]["applicationInsights"]["samplingSettings"]["excludedTypes"].split(";")

    assert {"Request", "Exception", "Trace"} <= set(excluded)


def _level(category: str) -> str:
    """Return the level of a category as .NET does: that of the longest name which it begins with."""
    levels: dict[str, str] = HOST["logging"]["logLevel"]
    names = [name for name in levels if category == name or category.startswith(f"{name}.")]
    return levels[max(names, key=len, default="default")]


@pytest.mark.parametrize(
    ("category", "level"),
    [
        (f"Function.{BLOB_FUNCTION}.User", "Information"),
        (f"Function.{QUEUE_FUNCTION}.User", "Information"),
        (f"Function.{DISPATCHER_FUNCTION}.User", "Information"),
        (f"Function.{DISPATCHER_FUNCTION}", "Warning"),
        (f"Function.{BLOB_FUNCTION}", "Information"),
        ("Host.Results", "Information"),
        ("Host.Startup", "Information"),
        ("Azure", "Warning"),
        ("Azure.Core", "Warning"),
        ("Azure.Core.1", "Warning"),
        ("Azure.Identity", "Warning"),
    ],
)
def test_lines_of_the_app_are_kept_and_chatter_is_not(category: str, level: str) -> None:
    """The timer's 2,880 runs a day are silent; what the dispatcher itself says is an alert's source."""
    assert _level(category) == level


def test_log_levels_name_functions_that_there_are() -> None:
    """A renamed function would be loud again, or silent."""
    names = {name.split(".")[1] for name in HOST["logging"]["logLevel"] if name.startswith("Function.")}

    assert names == {DISPATCHER_FUNCTION}


def test_example_settings_are_complete_and_usable() -> None:
    """A copy of the example runs locally once the password is in."""
    settings = Settings.from_env(EXAMPLE)

    assert settings.bindings.source == "LogsAndContainerScan"
