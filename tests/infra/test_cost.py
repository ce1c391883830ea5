"""The table of costs in docs/deploy.md follows from the schedule, the sizes and the warmed groups."""

import re
from datetime import timedelta

from local.live import PAGE
from tests.infra.bicep import ROOT, inputs

MONTH = timedelta(days=30).total_seconds()
LEAST_BILLED_SECONDS = 1


def _ticks() -> int:
    """Return how often the dispatcher's timer runs in a month."""
    source = (ROOT / "function_app.py").read_text()
    [schedule] = re.findall(r'schedule="\*/(\d+) \* \* \* \* \*"', source)
    return int(MONTH / int(schedule))


def test_every_row_is_right() -> None:
    """GB-seconds: executions for a second each, and instances for all of the month."""
    number = r"([\d,]+)"
    rows = re.findall(r"^\| " + r" \| ".join([number] * 6) + r" \|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == 4

    for row in rows:
        files, memory, executions, demand, webhook, queue = (int(cell.replace(",", "")) for cell in row)
        gigabytes = memory / 1_024
        assert executions == files + _ticks()
        assert demand == executions * LEAST_BILLED_SECONDS * gigabytes
        assert webhook == 2 * queue == 2 * MONTH * gigabytes


def test_default_size_is_the_one_that_the_page_reasons_for() -> None:
    """The cheapest that the measured memory allows."""
    memory = inputs()["INSTANCE_MEMORY_MB"]
    [app, left] = re.findall(
        r"and (\d+) MB after 500 files.*?; (\d+) MB are left", PAGE.read_text(), re.DOTALL
    )[0]

    assert memory == "512"
    assert int(app) + int(left) == int(memory)
