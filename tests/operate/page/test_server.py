"""What the page answers to those who may ask, and to those who may not."""

import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from operate.desk import Desk
from operate.page.html import Html, tag
from operate.page.request import Answer
from operate.page.server import Site
from operate.page.site import site_of
from shared.model.lane import Lane
from shared.storage.tables import Table
from tests.operate.page.conftest import Page, served
from tests.operate.samples import die, wait

pytestmark = pytest.mark.stack

HOSTILE = "<script>alert(1)</script>\"'&\u202egpj.exe"
PLACES = ["", "waiting", "dead", "holds", "routes"]


def rows(table: Table) -> list[tuple[Any, ...]]:
    """Return what tells whether anything was written."""
    return [(each["PartitionKey"], each["RowKey"], each.metadata["etag"]) for each in table.scan()]  # type: ignore[attr-defined]


def written(desk: Desk) -> list[Any]:
    """Return the state of all tables."""
    return [rows(desk.outbox_table), rows(desk.dead_table), rows(Table(desk.host, "airflowsettled"))]


def forms(desk: Desk) -> list[tuple[str, dict[str, str]]]:
    """Return every form of the page, as one that confirms."""
    common = {"scope": "selected", "confirmed": "yes", "why": "x", "route": "default"}
    return [(name, common) for name in site_of(desk, who="").changing]


def test_every_form_is_tried() -> None:
    """The tests below would pass without any."""
    assert len(forms(Desk(origin=None))) >= 6  # type: ignore[arg-type]


def test_stranger_changes_nothing_and_learns_nothing(desk: Desk, page: Page) -> None:
    """Without the token, under another name, or from another website."""
    wait(desk, "a.csv")
    die(desk, "b.csv")
    before = written(desk)
    own = f"http://{page.gate.host}"
    refused = [
        (f"{own}/guessed/", {"Origin": own}),
        (page.gate.address, {"Origin": "http://evil.example"}),
        (page.gate.address, {"Origin": "null"}),
        (page.gate.address, {"Origin": own, "Host": "evil.example"}),
        (page.gate.address, {}),
    ]

    for name, form in forms(desk):
        for address, headers in refused:
            answer = requests.post(f"{address}{name}", data=form, headers=headers, timeout=60)
            assert answer.status_code in {403, 421}
            assert answer.headers["Content-Type"].startswith("text/plain")
            assert page.gate.token not in answer.text
    assert written(desk) == before


def test_reading_changes_nothing(desk: Desk, page: Page) -> None:
    """Neither a link to what changes something, nor any page with the fields of a form."""
    wait(desk, "a.csv")
    die(desk, "b.csv")
    before = written(desk)

    for name, form in forms(desk):
        assert page.get(name, **form).status_code == 405
    for place in site_of(desk, who="").reading:
        page.get(place, confirmed="yes", scope="selected", why="x")
    assert written(desk) == before


def test_unconfirmed_form_changes_nothing(desk: Desk, page: Page) -> None:
    """It is the dry run."""
    wait(desk, "a.csv")
    die(desk, "b.csv")
    before = written(desk)

    for name, form in forms(desk):
        answer = page.post(name, {**form, "confirmed": ""})
        assert "Nothing was changed." in answer.text or name == "send"
    assert written(desk) == before


def test_hostile_names_are_texts_on_every_page(desk: Desk, page: Page) -> None:
    """No page has a script of its own, so none may have any."""
    lane = Lane(route_id=HOSTILE, dag_id=HOSTILE)
    wait(desk, HOSTILE, lane=lane)
    die(desk, HOSTILE, lane=lane)

    lists = [page.get(place).text for place in PLACES]
    others = [page.get("routes", tried=f"landing/{HOSTILE}").text, page.get("waiting", route=HOSTILE).text]
    others += [
        page.post(name, {**form, "confirmed": "", "route": HOSTILE}).text for name, form in forms(desk)
    ]

    for text in (*lists, *others):
        assert "<script" not in text
    for text in lists:
        # What a form sends back is as it was; what is seen is not.
        assert "\u202e" not in re.sub('value="[^"]*"', "", text)
    assert "&lt;script&gt;" in lists[1]
    assert "\\u202e" in lists[1]


def test_no_page_shows_a_secret(desk: Desk, page: Page, settings: dict[str, str]) -> None:
    """Neither Airflow's password nor a key of storage; faults are said without them."""
    wait(desk, "a.csv")
    account_key = settings["AzureWebJobsStorage"].partition("AccountKey=")[2].partition(";")[0]

    for place in PLACES:
        text = page.get(place).text
        assert "no-such-secret" not in text
        assert account_key not in text


def test_browser_is_told_to_run_and_tell_nothing(page: Page) -> None:
    """No script, no frame, no other website's forms; the token leaves with no link; nothing is kept."""
    headers = page.get().headers

    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_only_loopback_is_listened_on(page: Page) -> None:
    """Other machines have no way in."""
    host, _, port = page.gate.host.partition(":")

    assert host == "127.0.0.1"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", int(port)), timeout=5)


def test_unknown_page_and_form_that_is_too_large_say_so(page: Page) -> None:
    """With a way back."""
    assert page.get("nowhere").status_code == 404
    too_large = page.post("dead-replay", {"row": "x" * 2_000_000})
    assert too_large.status_code == 400
    assert "tick fewer rows" in too_large.text


def test_part_that_cannot_be_reached_is_said_on_the_page(desk: Desk, page: Page) -> None:
    """Airflow is down; everything else is there."""
    wait(desk, "a.csv")

    text = page.get().text

    assert "cannot be reached" in text
    assert "dag_missing 1" in text


def test_unusable_settings_leave_what_waits_in_sight(
    desk: Desk, page: Page, settings: dict[str, str]
) -> None:
    """A misconfigured app keeps its events, and its operator sees both."""
    wait(desk, "a.csv")
    settings["AIRFLOW_BASE_URL"] = "ftp://airflow"

    assert "a.csv" in page.get("waiting").text
    assert "AIRFLOW_BASE_URL" in page.get("holds").text
    assert "AIRFLOW_BASE_URL" in page.get("routes").text


def test_closed_page_stops_the_work_that_it_shows(desk: Desk) -> None:
    """Between two pieces, so that nothing goes on unseen."""
    stopped = threading.Event()

    def endless() -> Iterator[Html]:
        try:
            while True:
                yield tag("p", "more")
        finally:
            stopped.set()

    site = Site(desk=desk, who="", reading={"": lambda *_: Answer(title="x", body=endless())}, changing={})
    with served(site) as gate, requests.get(gate.address, stream=True, timeout=60) as answer:
        next(answer.iter_content(100))
        assert not stopped.is_set()
        answer.close()
        assert stopped.wait(60)


def test_broken_view_does_not_look_like_a_page_that_ends_here(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page says so, and the terminal where."""

    def broken() -> Iterator[Html]:
        yield tag("p", "first")
        raise KeyError

    site = Site(desk=desk, who="", reading={"": lambda *_: Answer(title="x", body=broken())}, changing={})
    with served(site) as gate:
        text = requests.get(gate.address, timeout=60).text

    assert "This is a bug of the page" in text
    assert text.endswith("</html>")
    assert "KeyError" in capsys.readouterr().err
