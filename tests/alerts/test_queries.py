"""Every query of alerts and workbook is right by Microsoft's own analyser, and runs."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.alerts.kusto import findings, is_installed
from tests.alerts.queries import Chart, Rule, alert_rules, workbook_charts
from tests.alerts.workspace import Workspace
from tests.infra.bicep import Expression, load
from tests.support.missing import missing

QUERIES: list[Rule | Chart] = [*alert_rules(), *workbook_charts()]
NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def line(message: str, *, minutes: float = 4, level: int = 1) -> dict[str, object]:
    """Return a line of the app as the host ships it."""
    moment = NOW - timedelta(minutes=minutes)
    return {"TimeGenerated": moment, "Message": message, "SeverityLevel": level, "OperationId": "0" * 32}


@pytest.fixture(scope="module")
def _kusto() -> None:
    if not is_installed():
        message = "run `make stack-kusto` to install Microsoft's analyser of KQL (it needs Node.js 20)"
        missing(message)


@pytest.mark.stack
@pytest.mark.usefixtures("_kusto")
def test_every_query_is_right_by_microsofts_analyser() -> None:
    """Against the published columns: no error, no warning, no hint."""
    found = findings([query.query for query in QUERIES])

    assert {query.name: faults for query, faults in zip(QUERIES, found, strict=True) if faults} == {}


@pytest.mark.stack
@pytest.mark.usefixtures("_kusto")
def test_the_analyser_finds_what_is_wrong() -> None:
    """A check that cannot fail proves nothing."""
    right = "AppTraces | where SeverityLevel == 1 | project TimeGenerated"
    wrong = {
        right.replace("SeverityLevel", "Severity"): "'Severity' does not refer to any known column",
        right.replace("AppTraces", "AppTrace"): "'AppTrace' does not refer to any known table",
        right.replace("where", "were"): "Query operator expected",
        right.replace("== 1", "startswith 'a'"): "not defined for the operand types int and string",
    }

    [nothing, *found] = findings([right, *wrong])

    assert nothing == []
    for said, faults in zip(wrong.values(), found, strict=True):
        assert any(said in fault for fault in faults), faults


def test_no_alert_fires_where_the_app_says_that_all_is_well() -> None:
    """Every query runs, over the one line that comes every five minutes."""
    workspace = Workspace()
    workspace.add("AppTraces", [line("outbox.state rows=0 told_rows=0 dead=0")])

    assert {rule.name for rule in alert_rules() if workspace.fired(rule, now=NOW)} == set()


def test_silence_is_an_alert() -> None:
    """No line at all: only the missing dispatcher can be told."""
    workspace = Workspace()

    assert {rule.name for rule in alert_rules() if workspace.fired(rule, now=NOW)} == {"no-dispatcher"}


@pytest.mark.parametrize(
    ("minutes", "fires"),
    [(29, False), (30, False), (31, True)],
)
def test_threshold_is_the_one_of_the_template(minutes: int, *, fires: bool) -> None:
    """Above it, not at it."""
    workspace = Workspace()
    workspace.add("AppTraces", [line(f'outbox.state rows=1 oldest_seconds={minutes * 60} route="orders"')])
    [rule] = [rule for rule in alert_rules() if rule.name == "rows-too-old"]

    assert workspace.fired(rule, now=NOW) == ({("orders", "", "")} if fires else set())


@pytest.mark.parametrize(("times", "fires"), [(9, False), (10, True)])
def test_routes_that_are_gone_are_an_alert_before_an_instance_starts_without(
    times: int, *, fires: bool
) -> None:
    """A hiccup of storage is none; what could not be read all the time is, though the last routes go on."""
    workspace = Workspace()
    workspace.add("AppTraces", [line('routes.loaded etag="0x1" routes=1', minutes=60)])
    lines = [line('routes.unreadable message="404"', minutes=4 + number) for number in range(times)]
    workspace.add("AppTraces", lines)

    assert {rule.name for rule in alert_rules() if workspace.fired(rule, now=NOW)} == (
        {"no-dispatcher", "routes-rejected"} if fires else {"no-dispatcher"}
    )


@pytest.mark.parametrize("name", ["rows-too-old", "told-rows-too-old", "dead-letter"])
def test_alert_about_a_route_names_its_owner(name: str) -> None:
    """Whoever is woken knows whom to ask."""
    workspace = Workspace()
    state = "rows=1 oldest_seconds=9000 told_rows=1 told_oldest_seconds=900000 dead=2"
    workspace.add("AppTraces", [line(f'outbox.state {state} route="orders" owner="ann@example.org"')])
    [rule] = [rule for rule in alert_rules() if rule.name == name]
    [alert] = workspace.fired(rule, now=NOW)

    assert dict(zip(rule.dimensions, alert, strict=True))["Owner"] == "ann@example.org"


def test_name_of_a_file_cannot_pass_for_a_key() -> None:
    """Texts are read whole, whatever stands in them."""
    workspace = Workspace()
    name = r"landing/a seconds=99 route=\"x\" reason="
    workspace.add("AppTraces", [line(f'run.created seconds=1.5 blob="{name}" size=1 route="orders"')])
    workspace.add("AppTraces", [line(f'run.dead blob="{name}" route="orders" reason="bad_conf" message="m"')])
    charts = {chart.name: chart for chart in workbook_charts()}

    [latency] = workspace.query(charts["latency"].query, now=NOW)
    [dead] = workspace.query(charts["dead"].query, now=NOW)

    assert (latency["P50"], latency["P99"]) == (1.5, 1.5)
    assert (dead["Why"], dead["Route"], dead["Message"]) == ("bad_conf", "orders", "m")
    assert dead["File"] == 'landing/a seconds=99 route="x" reason='


def test_rules_are_made_as_the_tests_read_them() -> None:
    """The template puts the same parts together: lines, query, threshold, dimensions."""
    source = load()["modules/alerts.bicep"]
    rule = source.resources["rules"].body["properties"]
    [criterion] = rule["criteria"]["allOf"]

    assert criterion["query"] == "${logLines}${rule.query}"
    assert criterion["operator"] == "GreaterThan"
    assert criterion["timeAggregation"] == Expression("contains(rule, 'measure') ? 'Maximum' : 'Count'")
    assert criterion["metricMeasureColumn"] == Expression("rule.?measure")
    assert criterion["threshold"] == Expression("thresholds[?rule.name] ?? 0")
    assert source.variables["thresholds"] == {
        "rows-too-old": Expression("options.oldestRowMinutes"),
        "told-rows-too-old": Expression("options.toldRowHours"),
    }
    assert {rule.name for rule in alert_rules() if rule.measure} == {"rows-too-old", "told-rows-too-old"}
    assert rule["windowSize"] == Expression("rule.window")
    assert "rule.dimensions" in criterion["dimensions"].text
    for placeholder in ("<route>", "<time>", "<hours>", "<days>"):
        assert source.text.count(f"'{placeholder}', ") == 1


def test_workbook_is_made_as_the_tests_read_it() -> None:
    """The lines, then the chart's own query."""
    source = load()["modules/workbook.bicep"]

    assert "query: '${logLines}${chart.query}'" in source.text
    assert "items: concat([parameters], parts)" in source.text
