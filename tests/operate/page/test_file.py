"""The story of one file, in the order of time."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from operate.desk import Desk
from operate.files import pending_of, requests_of, verdicts_on
from operate.page.file import moments
from operate.page.html import join
from operate.trace import trace
from shared.model.errors import AirflowUnreachable, RunRefused
from shared.model.pending import Pending
from tests.operate.page.conftest import Page

pytestmark = pytest.mark.stack


@pytest.fixture
def landing(storage_account: str) -> Iterator[ContainerClient]:
    """Yield the container that the app watches."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        yield service.create_container("landing")


def observed(desk: Desk, name: str) -> Pending:
    """Return the event of a blob, as it waits for its run."""
    event = desk.reader.read("landing", name)
    assert event is not None
    (request,) = requests_of(event, verdicts_on(desk, event))
    return pending_of(event, request)


def test_story_is_told_in_the_order_of_time(desk: Desk, landing: ContainerClient) -> None:
    """Written, not delivered, died; a reason that the letter itself names is not said twice."""
    landing.upload_blob("a.csv", b"1,2")
    now = desk.timing.now()
    pending = observed(desk, "a.csv")
    for minutes in (1, 2):
        error = AirflowUnreachable("Airflow does not answer.")
        pending = pending.after(error, now=now + timedelta(minutes=minutes))
    desk.dead_letters.add(pending, RunRefused("params: day is missing"))

    story = [join(each.what) for each in moments(trace(desk, "landing/a.csv"))]

    assert ["Written" in story[0], "run_refused" in story[1], "airflow_unreachable" in story[2]] == [True] * 3
    assert "2 times" in story[2]
    assert len(story) == 3


def test_file_has_the_buttons_that_help(desk: Desk, page: Page, landing: ContainerClient) -> None:
    """A dead letter is replayed, what waits is tried, and the detail has the conf that was refused."""
    landing.upload_blob("a.csv", b"1,2")
    landing.upload_blob("b.csv", b"1,2")
    desk.dead_letters.add(observed(desk, "a.csv"), RunRefused("no"), conf={"day": "<b>"})
    desk.outbox.park(observed(desk, "b.csv").after(AirflowUnreachable("down"), now=desk.timing.now()))

    dead, waiting = (page.get("file", path=f"landing/{name}").text for name in ("a.csv", "b.csv"))

    assert "Replay…" in dead
    assert "Try now…" not in dead
    assert "&quot;day&quot;: &quot;&lt;b&gt;&quot;" in dead
    assert "Try now…" in waiting
    assert "Replay…" not in waiting


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "Which file?"),
        ("elsewhere/a.csv", "The app watches the container"),
        ("landing/nothing.csv", "There is no blob"),
        ("landing/*.csv", "A pattern is no name"),
        ("landing/", "names no file"),
    ],
)
def test_name_that_is_none_is_said(page: Page, landing: ContainerClient, path: str, said: str) -> None:
    """In the words of the command."""
    assert said in page.get("file", path=path).text
