"""`waiting`: look at what waits, try it at once, drop it."""

import json
from datetime import timedelta

import pytest

from operate.desk import Desk
from shared.model.errors import AirflowUnclear, AirflowUnreachable, CopyPending
from shared.model.hold import PersonHold
from shared.model.lane import EVERYTHING, NEW, Lane
from shared.model.pending import Pending, Target
from tests.operate.conftest import Run
from tests.operate.samples import LANE, pending, wait
from tests.support.rows import OUTBOX, read_rows

pytestmark = pytest.mark.stack

OTHER = Lane(route_id="orders", dag_id="load")


def _events(storage_account: str) -> list[dict[str, object]]:
    return [row for row in read_rows(storage_account, OUTBOX) if row["RowKey"] != "!"]


def test_rows_are_listed_by_route_reason_and_prefix(run: Run, desk: Desk) -> None:
    """Each narrows the list; the state of a lane is no row."""
    wait(desk, "a.csv", "b.csv")
    wait(desk, "c.csv", lane=OTHER)

    def paths(*options: str) -> list[str]:
        return [json.loads(line)["path"] for line in run("waiting", "--json", *options).out.splitlines()]

    assert len(paths()) == 3
    assert paths("--route", "orders") == ["landing/c.csv"]
    assert paths("--reason", "dag_missing", "--prefix", "landing/a") == ["landing/a.csv"]


def test_retry_makes_rows_due_and_ends_the_hold_of_their_lane_alone(
    run: Run, desk: Desk, storage_account: str
) -> None:
    """The DAG is deployed: nobody waits for the next probe."""
    later = desk.timing.now() + timedelta(hours=1)
    desk.outbox.park(pending("a.csv").after(AirflowUnclear("x"), now=later, not_before=later))
    wait(desk, "b.csv")
    wait(desk, "c.csv", lane=OTHER)

    shown = run("waiting", "retry", "--route", "default", "--yes")

    due = {row["name"]: row["not_before"] for row in _events(storage_account) if "not_before" in row}
    assert shown.status == 0
    assert due["a.csv"] <= desk.timing.now()  # type: ignore[operator]
    assert desk.outbox.state(LANE) is None
    assert desk.outbox.state(OTHER) is not None


def test_retry_of_an_event_by_name_keeps_one_row(run: Run, desk: Desk, storage_account: str) -> None:
    """Its key is the time when it is due, so it is moved."""
    now = desk.timing.now()
    event = Pending(container="landing", name="a.csv")
    desk.outbox.park(event.after(CopyPending("x"), now=now, not_before=now + timedelta(hours=1)))

    assert run("waiting", "retry", "--all", "--yes").status == 0

    [row] = _events(storage_account)
    assert row["PartitionKey"] == NEW.key
    assert row["not_before"] <= desk.timing.now()  # type: ignore[operator]


def test_retry_ends_the_hold_on_everything_too(run: Run, desk: Desk) -> None:
    """Airflow is up again: the next drain finds out, half a minute later instead of five."""
    wait(desk, "a.csv")
    desk.outbox.hold(EVERYTHING, AirflowUnreachable("x"))
    assert run("waiting", "retry", "--prefix", "nothing", "--yes").status == 0
    assert desk.outbox.state(EVERYTHING) is not None

    shown = run("waiting", "retry", "--all", "--yes")

    assert desk.outbox.state(EVERYTHING) is None
    assert "still wait" not in shown.err


def test_retry_leaves_a_persons_hold_and_says_who_holds(run: Run, desk: Desk) -> None:
    """Maintenance ends when its person says so."""
    wait(desk, "a.csv")
    desk.outbox.hold_by_person(LANE, PersonHold(who="ben", why="upgrade", since=desk.timing.now()))

    shown = run("waiting", "retry", "--all", "--yes")

    state = desk.outbox.state(LANE)
    assert state is not None
    assert (state.hold, state.person is not None) == (None, True)
    assert "Held by ben" in shown.err


def test_drop_deletes_the_row_and_notes_the_version(run: Run, desk: Desk, storage_account: str) -> None:
    """With a word about what may have been sent before."""
    target = Target(dag_id="copy_file", airflow="http://airflow.example.com")
    sent = pending("a.csv").after(AirflowUnclear("x"), now=desk.timing.now(), sent_to=target)
    desk.outbox.park(sent)
    wait(desk, "b.csv")

    shown = run("waiting", "drop", "--prefix", "landing/a", "--why", "test", "--yes", "--json")

    event = sent.event
    assert event is not None
    assert [row["name"] for row in _events(storage_account)] == ["b.csv"]
    assert desk.settled.find(event, LANE) is not None
    assert "may be there" in json.loads(shown.out)["note"]


def test_row_that_cannot_be_read_is_left_by_retry_and_can_be_dropped(
    run: Run, desk: Desk, storage_account: str
) -> None:
    """Somebody has edited it by hand."""
    wait(desk, "a.csv")
    [row] = _events(storage_account)
    keys = {"PartitionKey": row["PartitionKey"], "RowKey": row["RowKey"]}
    desk.outbox_table.merge({**keys, "dag_id": "another"})

    retried = run("waiting", "retry", "--all", "--yes")
    dropped = run("waiting", "drop", "--all", "--why", "test", "--yes")

    assert (retried.status, dropped.status) == (1, 0)
    assert "not those of its partition" in retried.out
    assert _events(storage_account) == []
