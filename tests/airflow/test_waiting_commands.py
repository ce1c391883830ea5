"""The commands of `blob-to-dag` about what waits and what is dead, on each generation of Airflow."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.airflow.harness import AirflowHarness
from tests.airflow.terminal import Terminal

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.stack,
    pytest.mark.timeout(900),
    pytest.mark.generations("3-postgres", "2-postgres", "1-sqlite"),
]

NAME = "orders/Größe held.csv"


def test_what_is_held_waits_and_goes_when_it_is_released(terminal: Terminal, harness: AirflowHarness) -> None:
    """`status` says who holds it, and which Airflow answers; two operators hold once."""
    terminal.upload(NAME)
    path = terminal.path(NAME)
    terminal.run("hold", "orders", "--why", "upgrade", "--who", "ann")
    assert "held by ann" in terminal.run("hold", "orders", "--why", "x", "--who", "ben", status=1)
    terminal.run("send", path)
    terminal.app.dispatch()

    (found,) = terminal.run_json("status", status=3)
    (waiting,) = terminal.run_json("waiting", "--route", "orders")
    assert (found["airflow"]["is_logged_in"], found["lanes"][0]["waiting"]["count"]) == (True, 1)
    assert found["airflow"]["version"][0] in "123"
    assert "Held by ann" in terminal.run("waiting", "retry", "--all", "--yes")
    assert waiting["path"] == path
    terminal.run("release", "orders")
    terminal.app.dispatch()

    assert len(harness.run_ids("contract_take", waiting["run_id"])) == 1
    (run,) = (run for run in terminal.run_json("trace", path)[0]["runs"] if run["is_wanted"])
    assert run["note"].startswith("" if harness.api == "experimental" else f"`{path}`, 4 bytes, 20")
    assert terminal.run_json("status")[0]["lanes"] == []


def test_letters_are_replayed_by_two_at_once_and_dropped(terminal: Terminal, harness: AirflowHarness) -> None:
    """One run for each version that is replayed, none for what is dropped."""
    names = ["orders/a.csv", "orders/b.csv"]
    terminal.upload(*names)
    for name in names:
        terminal.die(name)

    assert "Would replay 2 of 2" in terminal.run("dead", "replay", "--all", "--dry-run")
    terminal.run("dead", "drop", "--prefix", terminal.path(names[1]), "--why", "test", "--yes")
    (letter,) = terminal.run_json("dead")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: terminal.replay_all(), range(2)))
    terminal.app.dispatch()

    assert len(harness.run_ids("contract_take", letter["run_id"])) == 1
    assert terminal.run_json("dead") == terminal.run_json("waiting") == []
    assert "delivered already" in terminal.run("send", terminal.path(names[0]))
    assert "settled already (dropped" in terminal.run("send", terminal.path(names[1]))
