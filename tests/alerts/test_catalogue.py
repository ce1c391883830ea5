"""docs/events.md, the alerts, the workbook and the runbook agree."""

import re

from shared.model.errors import RetryableError
from tests.alerts.queries import Chart, Rule, alert_rules, workbook_charts
from tests.alerts.runbook import PAGE, sections
from tests.infra.bicep import ROOT, inputs, load

EVENTS_PAGE = ROOT / "docs" / "events.md"

NOT_ALERTED = {
    "blob.gone": "a file that is deleted early is its sender's doing",
    "cap.slow": "the cap holds; runs come later than they could",
    "drain.delete_failed": "the rows are found to be delivered at the next tick",
    "drain.storage_failed": "the next tick goes on; if none does, rows-too-old and row-overdue fire",
    "event.redriven": "the event is where it belongs; Event Grid's own alerts tell why it had to be",
    "hold.failed": "the row is safe; the next tick tries again",
    "lane.moving": "somebody deployed other routes, and rows move by themselves",
    "reconcile.failed": "it is done again the next time",
    "reconcile.found": "the file is sent; Event Grid's own alerts tell why no event came",
    "reconcile.not_offered": "a setting that has no effect; nothing waits",
    "reconcile.unfinished": "the next time begins anew; a person can run a backfill",
    "redrive.failed": "it is tried again",
    "run.waiting": "an event that goes on failing is told by rows-too-old",
    "setting.unknown": "nothing waits; a deployment's own check says it, too",
    "upkeep.failed": "the next tick tries again; nothing depends on it",
    "run.dead": "counted in `dead` of outbox.state, which dead-letter reads",
    "event.unreadable": "counted in `dead` of outbox.state, which dead-letter reads",
}
"""Events at WARNING or ERROR that no alert reads, and why a person need not be told."""


def catalogue() -> dict[str, tuple[set[str], set[str]]]:
    """Return levels and keys of each event, as the page has them."""
    rows = re.findall(r"(?m)^\| `([a-z]+\.[a-z_]+)` \| ([A-Z, ]+) \| ([^|]*) \|", EVENTS_PAGE.read_text())
    return {name: (set(levels.split(", ")), set(re.findall(r"`(\w+)`", keys))) for name, levels, keys in rows}


def events_of(query: str) -> set[str]:
    """Return the names of events in a query."""
    return set(re.findall(r"'([a-z]+\.[a-z_]+)'", query)) - {"run."}


def test_every_event_and_key_of_a_query_is_in_the_catalogue() -> None:
    """A renamed event or key would make an alert blind."""
    known = catalogue()
    assert len(known) > 25
    parts: list[Rule | Chart] = [*alert_rules(), *workbook_charts()]
    for part in parts:
        own = part.query.partition("Reason = tostring(Keys.reason);")[2]
        events = events_of(own)
        keys = set(re.findall(r"Keys\.(\w+)", own)) - {"event"}
        of_events = set().union(*(known[event][1] for event in events)) if events else set()

        assert events <= set(known), part.name
        assert keys <= (of_events or set().union(*(keys for _, keys in known.values()))), part.name


def test_every_loud_event_is_alerted_or_says_why_not() -> None:
    """What is logged at WARNING or ERROR is for somebody."""
    loud = {name for name, (levels, _) in catalogue().items() if levels & {"WARNING", "ERROR"}}
    alerted = set().union(*(events_of(rule.query) for rule in alert_rules()))

    assert loud - alerted == set(NOT_ALERTED)


def test_every_code_in_a_query_is_one_of_an_error() -> None:
    """A renamed code would be told as an Airflow that is down."""
    codes = {error.code for error in RetryableError.__subclasses__()}
    [down] = [rule for rule in alert_rules() if rule.name == "airflow-down"]
    written = re.search(r"Reason !in \(([^)]+)\)", down.query)
    assert written
    named = set(re.findall(r"'(\w+)'", written[1]))

    assert named <= codes
    assert named == {"credentials_refused", "vault_unavailable", "misconfigured"}


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    """An alert without a runbook asks for a person who does not know what to do."""
    metric_rules = load()["modules/event-grid-alerts.bicep"].variables["rules"]
    assert isinstance(metric_rules, list)
    names = {rule.name for rule in alert_rules()} | {
        str(rule["name"]) for rule in metric_rules if isinstance(rule, dict)
    }

    assert set(sections()) == names
    for section in sections().values():
        assert section.blocks, section.name
        for part in ("\nCause:", "\nLook:", "\nDo:"):
            assert part in section.text, (section.name, part)


def test_every_alert_links_to_its_section() -> None:
    """By the anchor that the heading has."""
    for file, text in {
        "modules/alerts.bicep": "description: 'What to do: ${options.runbook}#${rule.name}'",
        "modules/event-grid-alerts.bicep": "What to do: ${runbook}#${rule.name}'",
    }.items():
        assert text in load()[file].text
    assert "What to do: ${options.runbook}#feed-late" in load()["modules/alerts.bicep"].text


def test_thresholds_on_the_page_are_the_defaults() -> None:
    """The page says 30 minutes and a day."""
    assert inputs()["ALERT_OLDEST_ROW_MINUTES"] == "30"
    assert inputs()["ALERT_TOLD_ROW_HOURS"] == "24"
    assert "for longer than 30 minutes** (`ALERT_OLDEST_ROW_MINUTES`)" in PAGE.read_text()
    assert "for more than a day** (`ALERT_TOLD_ROW_HOURS`)" in PAGE.read_text()


def test_picture_has_every_part_of_the_workbook() -> None:
    """A chart that was added or renamed is drawn anew."""
    picture = (ROOT / "docs" / "workbook.svg").read_text()

    assert [chart.title for chart in workbook_charts() if chart.title not in picture] == []
