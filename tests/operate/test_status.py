"""`status` says what waits, is on hold or dead, and what could not be asked."""

import json

import pytest
from azure.storage.blob import BlobServiceClient

from local.airflow import Airflow
from operate.desk import Desk
from operate.status import look
from tests.operate.conftest import Run
from tests.operate.samples import die, wait

pytestmark = pytest.mark.stack


def test_rows_are_counted_by_lane_and_reason_and_the_rest_is_answered(desk: Desk) -> None:
    """Airflow is down: what waits is known all the same."""
    wait(desk, "a.csv", "b.csv")
    die(desk, "c.csv")

    found = look(desk)

    assert found.lanes is not None
    [lane] = found.lanes
    assert (lane.route, lane.dag_id, lane.waiting.count) == ("default", "copy_file", 2)
    assert lane.waiting.reasons == {"dag_missing": 2}
    assert lane.state is not None
    assert lane.state.hold is not None
    assert found.dead is not None
    assert found.dead.reasons == {"run_refused": 1}
    assert set(found.faults) == {"airflow"}
    assert found.needs_attention


def test_unusable_settings_hide_nothing_that_waits(desk: Desk, settings: dict[str, str]) -> None:
    """A misconfigured app keeps its events, and its operator sees both."""
    wait(desk, "a.csv")
    settings["AIRFLOW_BASE_URL"] = "ftp://airflow"

    found = look(desk)

    assert found.lanes is not None
    assert len(found.lanes) == 1
    assert "AIRFLOW_BASE_URL" in found.faults["settings"]


def test_bad_routes_in_a_blob_are_said_with_what_the_app_does(
    desk: Desk, settings: dict[str, str], storage_account: str
) -> None:
    """Whoever pushed them by another way looks here: what waits is shown all the same."""
    settings |= {"AIRFLOW_DAG_ID": "", "ROUTES_BLOB": "airflow-routes/routes.toml"}
    with BlobServiceClient.from_connection_string(storage_account) as service:
        text = '[[route]]\nname = "a"\nmatch = "landing/**"\ndag_idd = "d"\n'
        service.create_container("airflow-routes").upload_blob("routes.toml", text.encode())
    wait(desk, "a.csv")

    found = look(desk)

    assert found.routes is None
    assert "dag_idd" in found.faults["routes"]
    assert "keep the last good ones" in found.faults["routes"]
    assert found.lanes is not None
    assert len(found.lanes) == 1


def test_more_than_a_thousand_rows_are_counted_only_when_asked(desk: Desk) -> None:
    """One request for each lane; `--exact` reads them all."""
    wait(desk, *(f"{number}.csv" for number in range(1_005)))

    for exact, expected in ((False, (1_000, True)), (True, (1_005, False))):
        lanes = look(desk, exact=exact).lanes
        assert lanes is not None
        assert (lanes[0].waiting.count, lanes[0].waiting.is_more) == expected


def test_status_without_airflow_exits_with_4_and_says_so(run: Run, desk: Desk) -> None:
    """For monitors: something could not be asked. No secret is shown."""
    wait(desk, "a.csv")

    shown = run("status")

    assert shown.status == 4
    assert "default -> copy_file" in shown.out
    assert "! airflow" in shown.out
    assert "no-such-secret" not in shown.out + shown.err


def test_status_as_json_is_one_line(run: Run, desk: Desk) -> None:
    """A program reads the same facts."""
    die(desk, "a.csv")

    [line] = run("status", "--json").out.splitlines()

    assert json.loads(line)["dead"]["reasons"] == {"run_refused": 1}


@pytest.mark.airflow
def test_status_with_a_real_airflow_tells_its_version(
    run: Run, desk: Desk, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is well: exit status 0. With a dead letter it is 3."""
    monkeypatch.setenv("AIRFLOW_BASE_URL", airflow.base_url)
    monkeypatch.setenv("AIRFLOW_USERNAME", airflow.username)
    monkeypatch.setenv("AIRFLOW_PASSWORD", airflow.password)

    well = run("status")
    die(desk, "a.csv")
    dead = run("status")

    assert (well.status, dead.status) == (0, 3)
    assert "logged in" in well.out
    assert "run_refused 1" in dead.out
