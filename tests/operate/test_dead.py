"""`dead`: look at what can never be delivered, send it again after a repair, or drop it."""

import json
from typing import Any

import pytest

from operate.desk import Desk
from shared.model.errors import AirflowUnclear, BadEvent, DagGone, RunRefused
from shared.model.lane import NEW, Lane
from shared.model.pending import Pending, Target
from shared.sources import blob_poison
from tests.operate.conftest import Run
from tests.operate.samples import EARLIER, LANE, die, pending
from tests.support.rows import DEAD_LETTERS, OUTBOX, read_rows

pytestmark = pytest.mark.stack


def _names(storage_account: str, table: str) -> list[str]:
    return [row["name"] for row in read_rows(storage_account, table) if row["RowKey"] != "!"]


def test_letters_are_listed_with_airflows_words(run: Run, desk: Desk) -> None:
    """One line each; JSON for programs."""
    die(desk, "a.csv", "b.csv")

    shown = run("dead")
    lines = [json.loads(line) for line in run("dead", "--json").out.splitlines()]

    assert shown.out.count("params: day is missing") == 2
    assert [line["path"] for line in lines] == ["landing/a.csv", "landing/b.csv"]


def test_name_that_would_steer_the_terminal_is_escaped(run: Run, desk: Desk) -> None:
    """A blob name is data, in a table and in JSON."""
    die(desk, "a\x1b[31m\u202e[red]\x9b.csv")

    for shown in (
        run("dead"),
        run("dead", "--json"),
        run("dead", "show", "landing/a\x1b[31m\u202e[red]\x9b.csv"),
    ):
        assert shown.status == 0
        assert "[red]" in shown.out
        assert not {"\x1b", "\u202e", "\x9b"} & set(shown.out)


def test_letter_is_shown_with_its_conf_and_history(run: Run, desk: Desk) -> None:
    """All that tells why."""
    desk.dead_letters.add(pending("a.csv"), RunRefused("day is missing"), conf={"table": "orders"})

    shown = run("dead", "show", "landing/a.csv")

    assert "{'table': 'orders'}" in shown.out
    assert "run_refused" in shown.out
    assert run("dead", "show", "landing/b.csv").status == 1


def test_letter_that_names_no_blob_is_shown_by_its_key(run: Run, desk: Desk) -> None:
    """The list has the key in the place of the name."""
    desk.dead_letters.add_unreadable(b"{ not JSON", BadEvent("no JSON"), source=blob_poison.QUEUE)
    die(desk, "a.csv")
    (letter,) = (row for row in map(json.loads, run("dead", "--json").out.splitlines()) if not row["path"])

    shown = run("dead", "show", letter["key"])

    assert letter["key"] in run("dead").out
    assert shown.status == 0
    assert "{ not JSON" in shown.out
    assert "a.csv" not in shown.out


def test_replay_puts_the_letter_back_into_its_lane(run: Run, desk: Desk, storage_account: str) -> None:
    """The row is due, new, and says who did it; the letter is gone."""
    die(desk, "a.csv", "b.csv")

    shown = run("dead", "replay", "--prefix", "landing/a", "--yes", "--who", "ann")

    [row] = read_rows(storage_account, OUTBOX)
    assert shown.status == 0
    assert "replay: 1 of 1." in shown.err
    assert (row["name"], row["PartitionKey"], row["reason"]) == ("a.csv", LANE.key, "replayed")
    assert row["parked_at"] > EARLIER  # or a DAG that is missing still would let it die at once
    assert "ann" in row["message"]
    assert "day is missing" in row["message"]
    assert _names(storage_account, DEAD_LETTERS) == ["b.csv"]


def test_dry_run_changes_nothing(run: Run, desk: Desk, storage_account: str) -> None:
    """It says where each letter would go."""
    die(desk, "a.csv")

    shown = run("dead", "replay", "--all", "--dry-run")

    assert shown.status == 0
    assert "default -> copy_file" in shown.out
    assert _names(storage_account, DEAD_LETTERS) == ["a.csv"]
    assert read_rows(storage_account, OUTBOX) == []


def test_without_yes_and_without_a_person_nothing_is_done(run: Run, desk: Desk, storage_account: str) -> None:
    """A script says --yes."""
    die(desk, "a.csv")

    shown = run("dead", "replay", "--all")

    assert (shown.status, _names(storage_account, DEAD_LETTERS)) == (1, ["a.csv"])
    assert "--yes" in shown.err


def test_everything_must_be_said(run: Run, desk: Desk) -> None:
    """A forgotten option must not select all rows."""
    die(desk, "a.csv")

    assert "--all" in run("dead", "drop", "--why", "x", "--yes").err
    assert "contradict" in run("dead", "replay", "--all", "--route", "default", "--yes").err


def test_letter_of_a_misspelt_dag_goes_to_the_dag_that_the_route_names_today(
    run: Run, desk: Desk, storage_account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was ever sent, so it need not be looked for in the old one."""
    die(desk, "a.csv", error=DagGone("no such DAG"))
    monkeypatch.setenv("AIRFLOW_DAG_ID", "copy_files")

    run("dead", "replay", "--all", "--yes")

    [row] = read_rows(storage_account, OUTBOX)
    assert row["PartitionKey"] == Lane(route_id="default", dag_id="copy_files").key
    assert row["dag_id"] == "copy_files"


def test_letter_that_may_have_been_sent_goes_to_the_same_dag(
    run: Run, desk: Desk, storage_account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second DAG would run the version twice; the drain looks it up first."""
    target = Target(dag_id="copy_file", airflow="http://airflow.example.com")
    sent = pending("a.csv").after(AirflowUnclear("reset"), now=desk.timing.now(), sent_to=target)
    desk.dead_letters.add(sent, DagGone("no such DAG"))
    monkeypatch.setenv("AIRFLOW_DAG_ID", "copy_files")

    run("dead", "replay", "--all", "--yes")

    [row] = read_rows(storage_account, OUTBOX)
    assert row["PartitionKey"] == LANE.key
    assert any(name.startswith("sent_") for name in row)


def test_letter_of_a_route_that_is_gone_stays_and_says_so(run: Run, desk: Desk, storage_account: str) -> None:
    """It would only die again."""
    die(desk, "a.csv", lane=Lane(route_id="orders", dag_id="load"))

    shown = run("dead", "replay", "--all", "--yes")

    assert shown.status == 1
    assert "no route 'orders'" in shown.out
    assert _names(storage_account, DEAD_LETTERS) == ["a.csv"]


def test_letter_of_an_event_without_a_route_is_asked_about_anew(
    run: Run, desk: Desk, storage_account: str
) -> None:
    """Its container was not watched, and is now."""
    event = Pending(container="landing", name="a.csv")
    desk.dead_letters.add(event, BadEvent("not watched"))

    run("dead", "replay", "--all", "--yes")

    [row] = read_rows(storage_account, OUTBOX)
    assert (row["PartitionKey"], row["name"]) == (NEW.key, "a.csv")
    assert _names(storage_account, DEAD_LETTERS) == []


_POISON = {"Type": "BlobTrigger", "FunctionId": "Host.Functions.blob_to_dag", "BlobName": "a.csv"}


@pytest.mark.parametrize(
    ("body", "where", "status", "said"),
    [
        (json.dumps({**_POISON, "ContainerName": "landing"}).encode(), "", 0, ""),
        (b"{", "", 1, "still cannot be read"),
        (b"x" * 600_000, "2026/a.json", 1, "2026/a.json"),
    ],
    ids=["readable now", "unreadable", "too large for a row"],
)
def test_what_could_not_be_read_is_read_again_or_says_why_not(
    run: Run, desk: Desk, storage_account: str, body: bytes, where: str, status: int, said: str
) -> None:
    """The app may have learnt to read it since; what it cannot read stays."""
    desk.dead_letters.add_unreadable(body, BadEvent("?"), source=blob_poison.QUEUE, where=where)

    shown = run("dead", "replay", "--all", "--yes")

    letters, rows = (read_rows(storage_account, table) for table in (DEAD_LETTERS, OUTBOX))
    assert (shown.status, len(letters), len(rows)) == (status, status, 1 - status)
    assert said in shown.out


def test_event_grid_letter_that_can_be_read_now_is_replayed(
    run: Run, desk: Desk, storage_account: str
) -> None:
    """In trigger mode as a hint to look at the blob, so that it has the version that is there."""
    event: dict[str, Any] = {
        "type": "Microsoft.Storage.BlobRenamed",
        "data": {"destinationUrl": "https://acct.blob.core.windows.net/landing/a.csv"},
    }
    desk.dead_letters.add_unreadable(
        json.dumps([event]).encode(), BadEvent("?"), source="eventgrid-deadletter"
    )

    run("dead", "replay", "--all", "--yes")

    assert _names(storage_account, OUTBOX) == ["a.csv"]


def test_drop_notes_the_version_and_deletes_the_letter(run: Run, desk: Desk, storage_account: str) -> None:
    """Neither the reconciler nor a backfill sends it then."""
    die(desk, "a.csv", "b.csv")

    shown = run("dead", "drop", "--prefix", "landing/a", "--why", "a test file", "--who", "ann", "--yes")

    event = pending("a.csv").event
    assert event is not None
    claim = desk.settled.find(event, LANE)
    assert claim is not None
    assert (claim["reason"], claim["who"], claim["why"]) == ("dropped", "ann", "a test file")
    assert (shown.status, _names(storage_account, DEAD_LETTERS)) == (0, ["b.csv"])


def test_selection_without_rows_says_what_there_is(run: Run, desk: Desk) -> None:
    """A misspelt route, or a pattern in place of a prefix."""
    die(desk, "a.csv")

    route = run("dead", "--route", "ordres")
    pattern = run("dead", "replay", "--prefix", "landing/*.csv", "--yes")

    assert (route.status, pattern.status) == (0, 0)
    assert "default" in route.err
    assert "run_refused" in route.err
    assert "no pattern" in pattern.err
    assert "nothing at all" in run("waiting").err
