"""Lists of any length, a page at a time."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from operate.desk import Desk
from operate.page.html import Html
from operate.paging import page_of
from operate.selection import Selection
from shared.model.errors import AirflowUnreachable, BadEvent, DagMissing
from shared.model.lane import Lane
from tests.operate.page.conftest import Page
from tests.operate.samples import EARLIER, LANE, die, pending, wait

pytestmark = pytest.mark.stack

OTHER = Lane(route_id="other", dag_id="other_dag")


def next_page(text: str) -> str:
    """Return where the link to the next page begins; empty where there is none."""
    found = re.search(r'href="([^"]+)">Next page', text)
    return parse_qs(urlsplit(found[1].replace("&amp;", "&")).query)["after"][0] if found else ""


def test_pages_have_each_row_once_over_all_lanes(desk: Desk, page: Page) -> None:
    """Also where a page ends with a lane."""
    wait(desk, *(f"{number}.csv" for number in range(100)))
    wait(desk, *(f"o{number}.csv" for number in range(105)), lane=OTHER)
    names: list[str] = []
    after, pages = "", 0

    while pages == 0 or after:
        text = page.get("waiting", after=after).text
        names += re.findall(r'<bdi class="name">landing/(\w+\.csv)</bdi>', text)
        after, pages = next_page(text), pages + 1

    assert pages == 3
    assert len(names) == len(set(names)) == 205


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(route="other"), {"landing/x/2.csv"}),
        (Selection(reason="airflow_unreachable"), {"landing/y/3.csv"}),
        (Selection(prefix="landing/x/"), {"landing/x/1.csv", "landing/x/2.csv"}),
        (Selection(route="it's", reason="' or 1 eq 1"), set()),
    ],
)
def test_filter_selects_as_the_commands_do(desk: Desk, selection: Selection, expected: set[str]) -> None:
    """By route, reason and the beginning of the name; a quote is data."""
    wait(desk, "x/1.csv")
    wait(desk, "x/2.csv", lane=OTHER)
    desk.outbox.park(pending("y/3.csv").after(AirflowUnreachable("down"), now=EARLIER))

    assert {item.path for item in page_of(desk.outbox_table, selection).items} == expected


def test_first_page_takes_two_requests_however_many_rows_there_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And reads no more rows than it shows, but two."""
    wait(desk, *(f"{number}.csv" for number in range(400)))
    read: list[int] = []
    query = desk.outbox_table.query

    def counting(*arguments: object, **options: object) -> object:
        found = query(*arguments, **options)  # type: ignore[arg-type]
        read.append(len(found))
        return found

    monkeypatch.setattr(desk.outbox_table, "query", counting)

    found = page_of(desk.outbox_table, Selection())

    assert len(found.items) == 100
    assert len(read) == 2
    assert sum(read) == 102


def test_message_of_many_rows_is_said_once(desk: Desk, page: Page) -> None:
    """A list stays dense."""
    wait(desk, "a.csv", "b.csv", "c.csv")

    assert page.get("waiting").text.count("Airflow has no DAG") == 1


def test_filter_without_rows_says_what_there_is(desk: Desk, page: Page) -> None:
    """A misspelt reason is seen at once."""
    wait(desk, "a.csv")

    assert "with the reasons dag_missing" in page.get("waiting", reason="dag_mising").text


def test_letter_that_names_no_blob_has_a_page_with_its_bytes(desk: Desk, page: Page) -> None:
    """It can be looked at, replayed and dropped by its keys."""
    desk.dead_letters.add_unreadable(
        b"<b>\xff not JSON", BadEvent("not JSON"), source="airflow-events-poison"
    )

    row = re.search(r'href="letter\?([^"]+)"', page.get("dead").text)

    assert row is not None
    shown = page.get(f"letter?{row[1]}").text
    assert "&lt;b&gt;" in shown
    assert Html("<b>") not in shown


def test_letter_that_is_gone_is_said(page: Page) -> None:
    """Somebody was faster."""
    assert "replayed or dropped meanwhile" in page.get("letter", row="a/b").text


def test_owner_of_the_route_is_named(desk: Desk, page: Page, settings: dict[str, str]) -> None:
    """In both lists and beside the app's own hold."""
    settings["AIRFLOW_DAG_ID"] = ""
    settings["AIRFLOW_ROUTES"] = (
        '[[route]]\nname = "default"\nmatch = "landing/**"\ndag_id = "d"\nowner = "ann@example.org"\n'
    )
    die(desk, "a.csv")
    wait(desk, "b.csv")
    desk.outbox.hold(LANE, DagMissing("Airflow has no DAG."), owner="ann@example.org")

    for place in ("waiting", "dead", "holds", ""):
        assert "owner <bdi>ann@example.org</bdi>" in page.get(place).text, place


def test_dead_letters_are_listed_with_their_reason(desk: Desk, page: Page) -> None:
    """And with Airflow's own words."""
    die(desk, "a.csv")

    text = page.get("dead").text
    assert "run_refused" in text
    assert "params: day is missing" in text
