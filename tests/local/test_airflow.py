"""A real Airflow as the local stack starts it."""

from collections.abc import Iterator

import psutil
import pytest
import requests

from local.airflow import AIRFLOW_3, Airflow, DagRun, start_airflow
from local.airflow.kind_3 import Airflow3
from local.airflow.server import _clean_environment
from local.processes import NotInstalledError, is_listening
from tests.support.missing import missing

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def second() -> Iterator[Airflow]:
    """Yield an Airflow of this module's own, to stop and start."""
    try:
        airflow = start_airflow()
    except NotInstalledError as exc:
        missing(exc)
    with airflow:
        yield airflow


def test_two_airflows_run_side_by_side(airflow: Airflow, second: Airflow) -> None:
    """Ports, homes and passwords are their own."""
    second.api.wait_for_dags({"copy_file"})
    first_answer = airflow.api.dag_ids()
    stranger = requests.post(
        f"{second.base_url}/auth/token",
        json={"username": airflow.username, "password": airflow.password},
        timeout=10,
    )

    assert "copy_file" in first_answer
    assert stranger.status_code == 401


def test_restarted_airflow_keeps_runs_log_in_and_address(second: Airflow) -> None:
    """A stop and a start are an outage of Airflow, not its loss."""
    second.api.wait_for_dags({"copy_file"})
    run_id = second.api.trigger("copy_file", {})
    second.api.wait_for_run("copy_file", run_id)
    before = (second.base_url, second.password)
    processes = list(second._processes)
    descendants = [child for one in processes for child in psutil.Process(one.pid).children(recursive=True)]

    second.stop()
    was_listening = is_listening(second.place.port)
    left = [child for child in descendants if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    second.start()

    assert not was_listening
    assert left == []
    assert (second.base_url, second.password) == before
    assert second.api.run("copy_file", run_id) == DagRun(run_id=run_id, state="success", conf={})


def test_airflow_settings_of_a_person_do_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever works with another Airflow has its variables set; ours would read its folder."""
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", "elsewhere")
    monkeypatch.setenv("AIRFLOW_HOME", "elsewhere")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("LANG", "C.UTF-8")

    environment = _clean_environment()

    assert "elsewhere" not in environment.values()
    assert environment["LANG"] == "C.UTF-8"


def test_missing_airflow_says_what_to_install() -> None:
    """The message is what a skipped test shows."""
    with pytest.raises(NotInstalledError, match="airflow-none is missing: run `make stack`"):
        start_airflow(kind=Airflow3(name="airflow-none"))


def test_locked_version_is_the_one_that_runs(airflow: Airflow) -> None:
    """The lock file decides."""
    version = requests.get(f"{airflow.base_url}/api/v2/version", timeout=10).json()["version"]

    assert f"apache-airflow=={version}" in AIRFLOW_3.lock.read_text().split()
