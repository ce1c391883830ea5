"""The page in a real browser, with a real Airflow and Azurite behind it."""

import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient
from playwright.sync_api import Browser, BrowserContext, Locator, expect
from playwright.sync_api import Page as Tab

from local.airflow import Airflow
from local.processes import NotInstalledError
from operate.desk import Desk
from operate.origin import Origin
from shared.app import App
from shared.model.blob_event import account_from_url
from shared.model.errors import RunRefused
from shared.model.hold import PersonHold
from shared.model.lane import Lane
from tests.operate.page.conftest import Page
from tests.operate.samples import die, pending, wait
from tests.support.browser import FAINT, UNNAMED, start_browser
from tests.support.missing import missing

pytestmark = [pytest.mark.stack, pytest.mark.airflow, pytest.mark.timeout(900)]

ORDERS = Lane(route_id="orders", dag_id="xcom_chain")
INVOICES = Lane(route_id="invoices", dag_id="load_invoices")
HOSTILE = "orders/\"'><script>document.title='hacked'</script><img src=x onerror=alert(1)>\u202egpj.exe"
PICTURES = os.environ.get("PICTURES", "")
"""Folder of the pictures in the docs: `make pictures`."""

_PATIENCE = 60_000
"""Milliseconds: far above the usual time, for a slow machine."""

_ROUTES = """
[[route]]
name = "orders"
match = "landing/orders/**"
dag_id = "xcom_chain"

[[route]]
name = "invoices"
match = "landing/invoices/**"
dag_id = "load_invoices"
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield a browser; skip where there is none, but fail in CI."""
    try:
        with start_browser() as browser:
            yield browser
    except NotInstalledError as error:
        missing(error)


@pytest.fixture
def settings(storage_account: str, airflow: Airflow) -> dict[str, str]:
    """Return the settings of an app with a route whose DAG is there, and one whose DAG is not."""
    return {
        "AzureWebJobsStorage": storage_account,
        "LandingStorage": storage_account,
        "AIRFLOW_BASE_URL": airflow.base_url,
        "AIRFLOW_ROUTES": _ROUTES,
        "AIRFLOW_USERNAME": airflow.username,
        "AIRFLOW_PASSWORD": airflow.password,
    }


@pytest.fixture
def desk(settings: Mapping[str, str], tmp_path: Path) -> Desk:
    """Return the desk of that app, under a name for the pictures."""
    return Desk(origin=Origin(title="func-orders", settings=settings), root=tmp_path)


@pytest.fixture
def app(settings: Mapping[str, str]) -> App:
    """Return the app itself, whose timer the test is."""
    return App(settings)


@pytest.fixture
def landing(storage_account: str) -> Iterator[ContainerClient]:
    """Yield the container that the app watches."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        yield service.create_container("landing")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Yield a browser without a past."""
    context = browser.new_context(viewport={"width": 1_200, "height": 760})
    context.set_default_timeout(_PATIENCE)
    expect.set_options(timeout=_PATIENCE)
    yield context
    context.close()


@pytest.fixture
def tab(context: BrowserContext, page: Page, landing: ContainerClient) -> Tab:
    """Return a tab with the overview; a script that runs, or a dialog, fails the test."""
    tab = context.new_page()
    tab.on("dialog", lambda dialog: pytest.fail(f"the page said {dialog.message!r}"))
    tab.goto(page.gate.address)
    return tab


def go_to(tab: Tab, target: Locator) -> None:
    """Move the focus with the Tab key until it is there."""
    for _ in range(60):
        tab.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"the Tab key does not reach {target}")


def expect_story(tab: Tab, text: str) -> None:
    """Expect a sentence in the story of a file; look again while Airflow is too busy to answer in time."""
    expect(tab.get_by_role("heading", name="File")).to_be_visible()
    for _ in range(5):
        tab.wait_for_load_state()
        if tab.get_by_text(text).count():
            return
        tab.reload()
    expect(tab.get_by_text(text)).to_be_visible()


def test_lost_file_is_found_sent_and_there_with_the_keyboard_alone(
    tab: Tab, landing: ContainerClient, app: App, desk: Desk
) -> None:
    """From the complaint to the run: search, story, dry run, sent, and the link to Airflow."""
    name = f"orders/{uuid.uuid4().hex} Größe & Maß.csv"
    landing.upload_blob(name, b"1,2\n")

    go_to(tab, tab.get_by_role("searchbox"))
    tab.keyboard.type(f"landing/{name}")
    tab.keyboard.press("Enter")
    expect_story(tab, "its event never came")
    go_to(tab, tab.get_by_role("button", name="Send…", exact=True))
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("Nothing was changed.")).to_be_visible()
    expect(tab.get_by_text("would be sent")).to_be_visible()
    assert list(desk.outbox_table.scan()) == []
    go_to(tab, tab.get_by_role("button", name="Send", exact=True))
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("the app sends it within half a minute")).to_be_visible()
    app.dispatch()
    go_to(tab, tab.get_by_role("link", name="Back to the file"))
    tab.keyboard.press("Enter")

    expect_story(tab, "All its runs are there.")
    run = tab.get_by_role("link", name="blob__orders~")
    assert str(run.get_attribute("href")).startswith(app_address(app))
    expect(tab.locator("ol.line")).to_contain_text("Written: 4 bytes")


def app_address(app: App) -> str:
    """Return where the app's Airflow is."""
    return app._environ["AIRFLOW_BASE_URL"]


def test_ticked_letter_is_replayed_after_a_dry_run(
    tab: Tab, desk: Desk, app: App, landing: ContainerClient
) -> None:
    """And only that one; then it is delivered."""
    one, other = (f"orders/{uuid.uuid4().hex}.csv" for _ in range(2))
    for name in (one, other):
        letter = pending(name, lane=ORDERS, account=account_from_url(landing.url))
        desk.dead_letters.add(letter, RunRefused("params: day is missing"))

    tab.get_by_role("link", name="Dead letters").first.click()
    tab.get_by_role("checkbox", name=f"Tick landing/{one}").check()
    tab.get_by_role("button", name="Replay…").click()
    expect(tab.get_by_text("Would replay 1 of 1.")).to_be_visible()
    assert len(list(desk.dead_table.scan())) == 2
    tab.get_by_role("button", name="Replay 1 row", exact=True).click()
    expect(tab.get_by_text("Replay: 1 of 1.")).to_be_visible()
    app.dispatch()

    tab.goto(tab.url.rpartition("/")[0] + "/waiting")
    expect(tab.get_by_text("There is nothing: all is delivered.")).to_be_visible()
    tab.get_by_role("link", name="Dead letters").first.click()
    expect(tab.get_by_role("link", name=other)).to_be_visible()
    expect(tab.get_by_role("link", name=one)).to_have_count(0)


def test_route_is_held_and_released(tab: Tab, desk: Desk) -> None:
    """With who and why, which nobody may leave out."""
    tab.get_by_role("link", name="Holds", exact=True).click()
    tab.get_by_role("button", name="Hold invoices").click()
    expect(tab.get_by_text("invoices -> load_invoices")).to_be_visible()
    tab.get_by_role("button", name="Hold 1 lane").click()
    assert desk.outbox.state(INVOICES) is None
    tab.get_by_label("Why").fill("a new schema is being deployed")
    tab.get_by_role("button", name="Hold 1 lane").click()
    tab.get_by_role("link", name="Back to the holds").click()

    expect(tab.get_by_text("by ann for")).to_contain_text("a new schema is being deployed")
    tab.get_by_role("button", name="Release invoices").click()
    tab.get_by_role("button", name="Release 1 lane").click()
    expect(tab.get_by_text("released; held by ann")).to_be_visible()
    assert desk.outbox.state(INVOICES) is None


def test_list_is_filtered_and_paged(tab: Tab, desk: Desk) -> None:
    """The address of each page can be kept."""
    wait(desk, *(f"invoices/{number:03}.csv" for number in range(130)), lane=INVOICES)
    wait(desk, "orders/a.csv", lane=ORDERS)

    tab.get_by_role("link", name="Waiting", exact=True).click()
    tab.get_by_label("Route").fill("invoices")
    tab.get_by_role("button", name="Filter").click()
    expect(tab.get_by_role("row")).to_have_count(101)
    tab.get_by_role("link", name="Next page").click()
    expect(tab.get_by_role("row")).to_have_count(31)
    tab.reload()
    expect(tab.get_by_role("row")).to_have_count(31)
    expect(tab.get_by_text("That is the end.")).to_be_visible()
    tab.get_by_role("link", name="First page").click()
    expect(tab.get_by_role("row")).to_have_count(101)


def test_routes_are_tried_against_a_name(tab: Tab) -> None:
    """With the reason of each that does not fire."""
    tab.get_by_role("link", name="Routes", exact=True).click()
    tab.get_by_label("Container and name").fill("landing/orders/a.csv.part")
    tab.get_by_role("button", name="Try").click()

    expect(tab.get_by_text("complete.part refuses it")).to_be_visible()
    tab.get_by_label("Container and name").fill("landing/orders/a.csv")
    tab.get_by_role("button", name="Try").click()
    expect(tab.locator("pre")).to_contain_text("xcom_chain")


def test_hostile_name_is_a_text_wherever_it_is_shown(tab: Tab, desk: Desk, landing: ContainerClient) -> None:
    """No script runs, no picture is asked for, and no text is turned around."""
    landing.upload_blob(HOSTILE, b"")
    die(desk, HOSTILE, lane=ORDERS)
    wait(desk, HOSTILE, lane=ORDERS)
    address = tab.url

    for place in ("", "waiting", "dead", "holds", f"routes?tried={quote('landing/' + HOSTILE)}"):
        tab.goto(address + place)
        assert "hacked" not in tab.title()
        expect(tab.locator("script, img, iframe")).to_have_count(0)
    tab.goto(f"{address}dead")
    tab.get_by_role("link", name="onerror").click()

    expect(tab.locator("p.path")).to_contain_text("<script>document.title='hacked'</script>")
    expect(tab.locator("p.path")).to_contain_text("\\u202egpj.exe")
    tab.get_by_role("button", name="Replay…").click()
    expect(tab.get_by_text("Would replay 1 of 1.")).to_be_visible()


def test_other_website_changes_nothing_even_with_the_token(
    context: BrowserContext, page: Page, desk: Desk, tab: Tab
) -> None:
    """Nor does one that has its own name resolved to this machine."""
    fields = {"route": "!", "confirmed": "yes", "why": "x"}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    form = f'<form method="post" action="{page.gate.address}hold">{inputs}</form>'
    context.route("http://evil.example/", lambda route: route.fulfill(content_type="text/html", body=form))
    tab.goto("http://evil.example/")
    tab.locator("form").evaluate("form => form.submit()")

    expect(tab.get_by_text("Another website sent this request. Nothing was done.")).to_be_visible()
    port = page.gate.host.partition(":")[2]
    tab.goto(f"http://rebound.example:{port}/{page.gate.token}/")
    expect(tab.get_by_text("answers only under the address")).to_be_visible()
    assert list(desk.outbox_table.scan()) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_legible_in_light_and_in_dark(
    browser: Browser, page: Page, desk: Desk, scheme: str, tmp_path: Path
) -> None:
    """Every text has the contrast that WCAG asks for, 4.5 to 1; `make pictures` keeps the pictures."""
    wait(desk, *(f"invoices/2026-11-20/{number:03}.csv" for number in range(37)), lane=INVOICES)
    wait(desk, *(f"orders/2026-11-20/{number:03}.csv" for number in range(4)), lane=ORDERS)
    person = PersonHold(who="ann", why="the warehouse is being moved", since=desk.timing.now())
    desk.outbox.lift(ORDERS)
    desk.outbox.hold_by_person(ORDERS, person)
    die(desk, "orders/2026-11-19/017.csv", "orders/2026-11-19/018.csv", lane=ORDERS)
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1_080, "height": 640})  # type: ignore[arg-type]
    tab = context.new_page()

    backgrounds = set()
    for place in ("dead", "holds", "routes?tried=landing/orders/a.csv", "waiting", ""):
        tab.goto(page.gate.address + place)
        assert tab.evaluate(FAINT) == []
        backgrounds.add(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    tab.screenshot(path=Path(PICTURES or tmp_path) / f"operate-{scheme}.png")
    context.close()

    assert backgrounds == {"rgb(250, 250, 248)" if scheme == "light" else "rgb(20, 23, 26)"}


def test_every_field_has_a_label_and_narrow_windows_do_not_scroll_sideways(tab: Tab, desk: Desk) -> None:
    """For those who hear the page, and for those who read it on a phone or enlarged."""
    wait(desk, f"invoices/{'long' * 60}.csv", lane=INVOICES)
    die(desk, "orders/a.csv", lane=ORDERS)
    address = tab.url
    tab.set_viewport_size({"width": 360, "height": 740})

    for place in ("", "waiting", "dead", "holds", "routes", "file?path=landing/orders/a.csv"):
        tab.goto(address + place)
        assert tab.evaluate(UNNAMED) == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
        expect(tab.locator("h1")).to_have_count(1)
