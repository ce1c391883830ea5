"""`trace`, `send` and `backfill` with a name that is none, and with an Airflow that does not answer."""

import json
from collections.abc import Iterator

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from operate.backfill import moment
from operate.desk import Desk
from operate.errors import DeskError
from operate.files import pending_of, requests_of, verdicts_on
from operate.trigger import is_required
from shared.model.errors import RunRefused
from shared.storage.settled import Claim
from tests.operate.conftest import Run
from tests.support.airflow_server import airflow_server
from tests.support.samples import MOMENT

pytestmark = pytest.mark.stack


@pytest.fixture
def landing(storage_account: str) -> Iterator[ContainerClient]:
    """Yield the container that the app watches."""
    with BlobServiceClient.from_connection_string(storage_account) as service:
        yield service.create_container("landing")


def test_story_is_told_as_far_as_it_is_known(run: Run, desk: Desk, landing: ContainerClient) -> None:
    """Airflow is down: the blob, the routes and the rows are there all the same."""
    landing.upload_blob("a.csv", b"1,2")
    event = desk.reader.read("landing", "a.csv")
    assert event is not None
    (request,) = requests_of(event, verdicts_on(desk, event))
    desk.dead_letters.add(pending_of(event, request), RunRefused("params: day is missing"))

    shown = run("trace", "landing/a.csv")

    assert shown.status == 4
    assert f"3 bytes, ETag {event.etag}" in shown.out
    assert "default: fires" in shown.out
    assert "run_refused: params: day is missing" in shown.out
    assert "Airflow could not be asked whether" in shown.out
    assert "! airflow" in shown.out
    assert "no-such-secret" not in shown.out + shown.err
    story = json.loads(run("trace", "landing/a.csv", "--json").out)
    assert (story["blob"]["etag"], story["dead"][0]["item"]["reason"]) == (event.etag, "run_refused")


def test_name_neither_writes_lines_nor_commands_of_its_own(
    run: Run, desk: Desk, landing: ContainerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may upload a file must not steer who looks for it, nor what they copy from the advice."""
    name = "a;rm -rf ~\nNext            all is well\x1b[2J.csv"
    landing.upload_blob(name, b"1,2")
    event = desk.reader.read("landing", name)
    assert event is not None
    (request,) = requests_of(event, verdicts_on(desk, event))
    desk.dead_letters.add(pending_of(event, request), RunRefused("no"))

    with airflow_server() as airflow:
        monkeypatch.setenv("AIRFLOW_BASE_URL", airflow.base_url)
        for command in ("trace", "send"):
            shown = run(command, f"landing/{name}")
            text = shown.out + shown.err
            assert "`dead replay --prefix 'landing/a;rm -rf ~\\nNext" in text
            assert "\x1b" not in text
            assert not any(line.startswith("Next            all") for line in text.splitlines())
    assert "\x1b" not in run("routes", "explain", f"landing/{name}").out


def test_dropped_file_is_told(run: Run, desk: Desk, landing: ContainerClient) -> None:
    """By whom, and why."""
    landing.upload_blob("a.csv", b"1,2")
    event = desk.reader.read("landing", "a.csv")
    assert event is not None
    (request,) = requests_of(event, verdicts_on(desk, event))
    lane = pending_of(event, request).lane
    desk.settled.claim(Claim(event=event, lane=lane, reason="dropped", who="ann", why="test data"))

    assert "dropped, ann test data" in run("trace", "landing/a.csv").out


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("landing/nothing.csv", "There is no blob 'landing/nothing.csv'"),
        ("landing/*.csv", "A pattern is no name"),
        ("a.csv", "The app watches the container 'landing'"),
        ("other/a.csv", "write the name as landing/"),
        ("landing/", "names no file"),
    ],
)
@pytest.mark.parametrize("command", ["trace", "send"])
def test_name_that_is_none_is_said(
    run: Run, landing: ContainerClient, command: str, path: str, said: str
) -> None:
    """With what to write instead."""
    landing.upload_blob("a.csv", b"1,2")
    shown = run(command, path)

    assert shown.status in {1, 4}
    assert said in shown.out + shown.err


@pytest.mark.parametrize("command", ["trace", "send"])
def test_name_that_is_nearly_right_is_found(run: Run, landing: ContainerClient, command: str) -> None:
    """What people write down is wrong in its letter case, or by a character."""
    landing.upload_blob("orders/A-2026-11-20.csv", b"1,2")
    landing.upload_blob("orders/other.csv", b"1,2")

    for wrong in ("orders/a-2026-11-20.CSV", "orders/A-2026_11-20.csv"):
        shown = run(command, f"landing/{wrong}")
        assert "There is: 'landing/orders/A-2026-11-20.csv'." in shown.out + shown.err
    assert "There is:" not in run(command, "landing/orders/nothing.csv").out


def test_file_of_every_container_that_the_routes_watch_is_found(
    run: Run, storage_account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only of the one that the blob trigger names."""
    monkeypatch.setenv("AIRFLOW_DAG_ID", "")
    monkeypatch.setenv(
        "AIRFLOW_ROUTES",
        '[landing]\nwatch = ["landing", "lake"]\n[[route]]\nname = "all"\nmatch = "**"\ndag_id = "d"\n',
    )
    with BlobServiceClient.from_connection_string(storage_account) as service:
        service.create_container("lake").upload_blob("a.csv", b"1,2")

    assert "lake/a.csv" in run("trace", "lake/a.csv").out
    assert "'landing', 'lake'" in run("trace", "other/a.csv").err


def test_file_that_no_route_wants_is_not_sent(
    run: Run, landing: ContainerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each route's reason is told."""
    landing.upload_blob("a.tmp", b"1,2")
    shown = run("send", "landing/a.tmp")

    assert shown.status == 1
    assert "No route wants it" in shown.err
    assert "complete." in shown.err


def test_nothing_is_written_while_airflow_cannot_be_asked(
    run: Run, desk: Desk, landing: ContainerClient
) -> None:
    """It may have the run."""
    landing.upload_blob("a.csv", b"1,2")

    for arguments in (
        ("send", "landing/a.csv"),
        ("send", "landing/a.csv", "--again"),
        ("backfill", "landing/", "--yes"),
        ("trigger", "copy_file"),
        ("runs", "copy_file"),
        ("dags",),
    ):
        shown = run(*arguments)
        assert shown.status == 1
        assert "error: " in shown.err
    assert list(desk.outbox_table.scan()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("landing/*.csv",), "is a pattern"),
        (("other/",), "watches the container"),
        (("landing/", "--since", "yesterday"), "--since must be a time"),
        (("landing/", "--since", "1d", "--until", "2d"), "--since must be before --until"),
    ],
)
def test_backfill_of_what_is_no_beginning_of_names_is_refused(
    run: Run, landing: ContainerClient, arguments: tuple[str, ...], said: str
) -> None:
    """Before anything is asked."""
    shown = run("backfill", *arguments)

    assert shown.status == 1
    assert said in shown.err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0m", "2026-11-20T06:30:15.123456+00:00"),
        ("7d", "2026-11-13T06:30:15.123456+00:00"),
        ("12h", "2026-11-19T18:30:15.123456+00:00"),
        ("2026-11-19", "2026-11-19T00:00:00+00:00"),
        ("2026-11-19T06:00+02:00", "2026-11-19T06:00:00+02:00"),
    ],
)
def test_times_are_read_as_people_write_them(text: str, expected: str) -> None:
    """A day, a time, or how long ago."""
    assert moment(text, MOMENT, option="--since").isoformat() == expected
    with pytest.raises(DeskError, match="--since must be"):
        moment(f"{text}!", MOMENT, option="--since")


@pytest.mark.parametrize(
    ("param", "required"),
    [
        ({"value": None, "schema": {"type": "string"}}, True),
        ({"value": None, "schema": {"type": ["null", "string"]}}, False),
        ({"value": "a", "schema": {"type": "string"}}, False),
        ({"value": None, "schema": {}}, False),
        ({"value": None}, False),
    ],
)
def test_param_is_required_if_it_has_no_value_and_takes_no_null(
    param: dict[str, object],
    required: bool,  # noqa: FBT001
) -> None:
    """As Airflow judges it."""
    assert is_required(param) is required
