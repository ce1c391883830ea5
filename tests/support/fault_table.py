"""The table of faults at the end of a run: each row, what proved it, and how it came out."""

from collections.abc import Iterator

import pytest

_rows: dict[str, tuple[str, str, str]] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Note how each test with a `fault` marker came out."""
    report = yield
    marker = item.get_closest_marker("fault")
    if marker and (call.when == "call" or report.outcome != "passed"):  # type: ignore[attr-defined]
        row = marker.args[0]
        outcome = report.outcome  # type: ignore[attr-defined]
        before = _rows.get(row, ("", "", "passed"))[2]
        worst = outcome if before == "passed" else before
        _rows[row] = (marker.kwargs.get("host", "in process"), marker.kwargs["airflow"], worst)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table, if there is anything in it."""
    if not _rows:
        return
    terminalreporter.section("faults")
    width = max(map(len, _rows))
    for row, (host, airflow, outcome) in _rows.items():
        terminalreporter.write_line(f"{outcome:<7} {row:<{width}}  host: {host}; Airflow: {airflow}")
