"""What the page changes: first as a dry run, then in earnest, with the commands' own functions."""

import re

import pytest

from operate.desk import Desk
from operate.items import items
from operate.page.frame import MENU
from operate.page.lists import SELECTED, TICKED
from operate.selection import Selection
from shared.model.lane import EVERYTHING
from tests.operate.page.conftest import Page
from tests.operate.samples import LANE, die, wait

pytestmark = pytest.mark.stack


def waiting(desk: Desk) -> set[str]:
    """Return the names of what waits."""
    return {item.path for item in items(desk.outbox_table, Selection())}


def dead(desk: Desk) -> set[str]:
    """Return the names of what is dead."""
    return {item.path for item in items(desk.dead_table, Selection())}


def ticks(page: Page, place: str, *names: str) -> list[tuple[str, str]]:
    """Return the fields of a list's form with these files ticked."""
    text = page.get(place).text
    rows = re.findall(r'value="([^"]+)" aria-label="Tick landing/([^"]+)"', text)
    return [("scope", TICKED), *(("row", value) for value, name in rows if name in names)]


def test_ticked_letters_are_replayed_and_no_others(desk: Desk, page: Page) -> None:
    """After a dry run that says where they go."""
    die(desk, "a.csv", "b.csv", "c.csv")
    form = ticks(page, "dead", "a.csv", "c.csv")

    planned = page.post("dead-replay", form).text
    done = page.post("dead-replay", [*form, ("confirmed", "yes")]).text

    assert "Would replay 2 of 2." in planned
    assert "default -&gt; copy_file" in planned
    assert "Replay: 2 of 2." in done
    assert dead(desk) == {"landing/b.csv"}
    assert waiting(desk) == {"landing/a.csv", "landing/c.csv"}
    [message] = {item.message for item in items(desk.outbox_table, Selection())}
    assert "Replayed by ann" in message


def test_form_of_the_dry_run_confirms_the_same_rows(desk: Desk, page: Page) -> None:
    """Its hidden fields say all that the first form said."""
    die(desk, "a.csv", "b.csv")
    planned = page.post("dead-replay", ticks(page, "dead", "a.csv")).text

    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', planned)
    page.post("dead-replay", fields)

    assert waiting(desk) == {"landing/a.csv"}


def test_filter_is_what_is_acted_on(desk: Desk, page: Page) -> None:
    """Rows that it does not select stay."""
    die(desk, "x/a.csv", "x/b.csv", "y/c.csv")

    page.post("dead-replay", {"scope": SELECTED, "prefix": "landing/x/", "confirmed": "yes"})

    assert dead(desk) == {"landing/y/c.csv"}


def test_form_that_says_neither_rows_nor_filter_is_refused(desk: Desk, page: Page) -> None:
    """Nothing is never everything."""
    die(desk, "a.csv")

    assert "Say what to act on" in page.post("dead-replay", {"confirmed": "yes"}).text
    assert "No row is selected" in page.post("dead-replay", {"scope": TICKED}).text
    assert dead(desk) == {"landing/a.csv"}


@pytest.mark.parametrize(("action", "place"), [("dead-drop", "dead"), ("waiting-drop", "waiting")])
def test_drop_asks_why_and_notes_it(desk: Desk, page: Page, action: str, place: str) -> None:
    """What is dropped stays dropped, and says by whom."""
    assert place in MENU
    die(desk, "a.csv")
    wait(desk, "a.csv")
    form = {"scope": SELECTED, "confirmed": "yes"}

    refused = page.post(action, form).text
    assert "Say why" in refused
    assert (dead if place == "dead" else waiting)(desk) == {"landing/a.csv"}
    page.post(action, {**form, "why": "a test file"})

    assert (dead if place == "dead" else waiting)(desk) == set()
    event = next(iter(Selection().rows(desk.outbox_table)), None)
    assert event is None
    claims = [row for row in desk.settled._table.scan() if row["PartitionKey"] != "routes"]
    assert {(claim["who"], claim["why"]) for claim in claims} == {("ann", "a test file")}


def test_retry_ends_the_apps_own_hold_and_says_what_a_person_holds(desk: Desk, page: Page) -> None:
    """Whoever repairs Airflow need not wait for the next probe."""
    wait(desk, "a.csv")

    first = page.post("waiting-retry", {"scope": SELECTED, "confirmed": "yes"}).text
    assert "They still wait" not in first
    assert desk.outbox.state(LANE) is None
    page.post("hold", {"route": "default", "confirmed": "yes", "why": "maintenance"})
    second = page.post("waiting-retry", {"scope": SELECTED, "confirmed": "yes"}).text

    assert "They still wait. Held by ann (default -&gt; copy_file): maintenance" in second


@pytest.mark.parametrize(("route", "lane"), [("default", LANE), (EVERYTHING.key, EVERYTHING)])
def test_hold_and_release_of_a_route_and_of_everything(
    desk: Desk, page: Page, route: str, lane: object
) -> None:
    """Who and why are shown; the dry run names the lanes."""
    form = {"route": route}
    assert str(lane).replace(">", "&gt;") in page.post("hold", form).text
    assert "Say why" in page.post("hold", {**form, "confirmed": "yes"}).text
    assert desk.outbox.state(lane) is None  # type: ignore[arg-type]

    page.post("hold", {**form, "confirmed": "yes", "why": "new schema"})
    state = desk.outbox.state(lane)  # type: ignore[arg-type]
    shown = page.get("holds").text
    page.post("release", {**form, "confirmed": "yes"})

    assert state is not None
    assert state.person is not None
    assert (state.person.who, state.person.why) == ("ann", "new schema")
    assert "new schema" in shown
    assert f"Release {'everything' if route == '!' else 'default'}" in shown
    assert desk.outbox.state(lane) is None  # type: ignore[arg-type]


def test_second_holder_is_told_of_the_first(desk: Desk, page: Page) -> None:
    """Nobody's reason is written over."""
    form = {"route": "default", "confirmed": "yes", "why": "mine"}
    page.post("hold", form)

    assert "held by ann" in page.post("hold", {**form, "why": "yours"}).text


def test_long_work_says_how_far_it_is_and_shows_the_first_rows(desk: Desk, page: Page) -> None:
    """The page stays small however many rows there are."""
    die(desk, *(f"{number}.csv" for number in range(250)))

    planned = page.post("dead-replay", {"scope": SELECTED}).text

    assert "200 rows …" in planned
    assert "And 50 more." in planned
    assert "Would replay 250 of 250." in planned
    assert planned.count("default -&gt; copy_file") == 200
