"""The commands of `blob-to-dag` that ask Airflow, on each generation, from a lost file to its run."""

import uuid

import pytest

from tests.airflow.harness import AirflowHarness
from tests.airflow.terminal import Terminal

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.stack,
    pytest.mark.timeout(900),
    pytest.mark.generations("3-postgres", "2-postgres", "1-sqlite"),
]

NAME = "orders/Größe & Maß.csv"


def test_lost_file_is_traced_sent_and_there(terminal: Terminal) -> None:
    """Two commands from the complaint to the run; what is delivered is not sent twice."""
    terminal.upload(NAME)
    path = terminal.path(NAME)

    assert f"`send '{path}'` sends it" in terminal.run("trace", path, status=3)
    assert "in the outbox" in terminal.run("send", path)
    assert "waits (sent_by_hand)" in terminal.run("trace", path, status=3)
    assert "waits already" in terminal.run("send", path, status=1)
    terminal.app.dispatch()

    (story,) = terminal.run_json("trace", path)
    (found,) = story["runs"]
    assert found["state"] in {"queued", "running", "success"}
    assert found["link"].startswith(terminal.environ["AIRFLOW_BASE_URL"])
    assert "delivered already" in terminal.run("send", path)
    assert terminal.run_json("waiting") == []


def test_again_is_another_run_with_a_number(terminal: Terminal) -> None:
    """On purpose, and each time the next one."""
    terminal.upload(NAME)
    path = terminal.path(NAME)
    terminal.run("send", path)
    terminal.app.dispatch()

    dry = terminal.run_json("send", path, "--again", "--dry-run")
    first = terminal.run_json("send", path, "--again")
    second = terminal.run_json("send", path, "--again")

    first_id, second_id = first[0]["run_id"], second[0]["run_id"]
    assert [dry[0]["run_id"], first_id[-8:], second_id[-8:]] == [first_id, "~again~1", "~again~2"]
    assert first_id[:-8] == second_id[:-8]


def test_runs_are_listed_and_waited_for(terminal: Terminal) -> None:
    """By route, with the file where the API tells it."""
    terminal.upload(NAME)
    terminal.run("send", terminal.path(NAME))
    terminal.app.dispatch()

    terminal.run("runs", "orders", "--wait", "--timeout", "300")
    listed = terminal.run_json("runs", "orders", "--state", "success")

    is_old = bool(listed) and "1.10" in terminal.run("runs", "orders")
    ours = [run for run in listed if is_old or run["file"] == terminal.path(NAME)]
    assert ours
    assert ours[0]["run_id"].startswith("blob__orders~Gr_e_Ma_.csv__")
    assert "has no run that is failed" in terminal.run("runs", "orders", "--state", "failed")
    assert "neither a route nor a DAG" in terminal.run("runs", "ordres", status=1)
    assert "--state must be one of" in terminal.run("runs", "orders", "--state", "done", status=1)


def test_dags_of_the_routes_are_checked(terminal: Terminal) -> None:
    """One is missing, which a monitor sees by the exit status."""
    terminal.run("trigger", "contract_take")
    lines = {line["dag_id"]: line for line in terminal.run_json("dags", "--check", status=3)}

    assert lines["contract_take"]["state"] == "ready"
    assert lines["contract_nowhere"]["state"] == "missing"
    assert "contract_take" in terminal.run("dags", status=3)


def test_run_by_hand_is_checked_before_it_is_sent(terminal: Terminal, harness: AirflowHarness) -> None:
    """Each fault is one sentence; the same id again makes no second run."""
    run_id = f"by-hand-{uuid.uuid4().hex}"

    assert "has no DAG" in terminal.run("trigger", "contract_tak", status=1)
    assert "is paused" in terminal.run("trigger", "contract_paused", status=1)
    assert "not JSON" in terminal.run("trigger", "contract_take", "--conf", "{'a': 1}", status=1)
    assert "JSON object" in terminal.run("trigger", "contract_take", "--conf", "[]", status=1)
    assert "Nothing was changed" in terminal.run("trigger", "contract_take", "--dry-run")
    assert "started" in terminal.run("trigger", "contract_take", "--conf", '{"a": 1}', "--run-id", run_id)
    assert "was there already" in terminal.run("trigger", "contract_take", "--run-id", run_id)
    assert harness.run_ids("contract_take", run_id) == [run_id]


@pytest.mark.generations("3-postgres", "2-postgres")
def test_params_without_a_value_are_asked_for(terminal: Terminal) -> None:
    """Airflow itself refuses what does not fit them."""
    assert "lacks filename" in terminal.run("trigger", "contract_params", status=1)
    assert "run_refused" not in terminal.run("trigger", "contract_params", "--conf", '{"filename": "a"}')
    assert "filename" in terminal.run("trigger", "contract_params", "--conf", '{"filename": 1}', status=1)


@pytest.mark.generations("3-postgres", "2-postgres")
def test_files_from_before_are_backfilled_once(terminal: Terminal) -> None:
    """The plan first; repeated, it goes on; what only changed is listed, and sent when it is asked for."""
    names = [f"orders/{number}.csv" for number in range(5)]
    terminal.upload(*names)
    terminal.run("send", terminal.path(names[0]))
    terminal.app.dispatch()
    terminal.landing.get_blob_client(names[0]).set_blob_metadata({"seen": "yes"})
    folder = terminal.path("orders/")

    planned = terminal.run_json("backfill", folder, "--dry-run")
    assert [line["verdict"] for line in planned] == ["changed", *["missing"] * 4]
    assert terminal.run_json("waiting") == []
    terminal.run("backfill", folder, "--yes", "--per-minute", "6000")
    assert len(terminal.run_json("waiting")) == 4
    assert "0 sent. 1 changed (--changed sends them), 4 have" in terminal.run("backfill", folder, "--yes")
    terminal.app.dispatch()
    assert "0 sent. 1 changed" in terminal.run("backfill", folder, "--yes")
    assert "1 sent" in terminal.run("backfill", folder, "--yes", "--changed", "--since", "1d")
    terminal.app.dispatch()
    assert "0 would be sent; nothing was changed. 0 changed" in terminal.run("backfill", folder, "--dry-run")


@pytest.mark.generations("experimental")
def test_what_airflow_1_cannot_tell_is_said(terminal: Terminal) -> None:
    """Its list of runs has neither pages nor conf."""
    terminal.upload(NAME)

    assert "Airflow 1.10 lists all runs at once" in terminal.run(
        "backfill", terminal.path("orders/"), "--yes", status=1
    )
    assert "does not tell which route started one" in terminal.run("runs", "contract_take")
    assert "only DAGs that ever ran" in terminal.run("dags", status=3)
