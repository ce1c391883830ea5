"""Files that wait for their batch, and batches, for an operator."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from operate.desk import Desk
from operate.items import details
from operate.origin import Origin
from operate.status import look
from shared.jobs.sealer import Sealer
from shared.model.errors import BatchOpen, RunRefused
from shared.model.hold import LaneState
from shared.model.lane import Lane, LaneKind
from shared.model.pending import Pending
from shared.storage.seals import Seals
from shared.storage.settled import Claim
from tests.operate.conftest import Run
from tests.operate.samples import EARLIER, pending
from tests.support.rows import DEAD_LETTERS, OUTBOX, read_rows

pytestmark = pytest.mark.stack

LANE = Lane(route_id="night", dag_id="load", group="day=mon", kind=LaneKind.BATCH)
ROUTES = """[[route]]
name = "night"
match = "landing/{day}/{file}"
dag_id = "load"
batch = { by = "{day}", quiet = "7d", at_most = "7d" }
"""
NAMES = ["mon/1.csv", "mon/2.csv", "mon/3.csv"]


@pytest.fixture
def settings(storage_account: str) -> dict[str, str]:
    """Return the settings of an app whose one route is batched."""
    return {
        "AzureWebJobsStorage": storage_account,
        "LandingStorage": storage_account,
        "AIRFLOW_BASE_URL": "http://127.0.0.1:1",
        "AIRFLOW_ROUTES": ROUTES,
        "AIRFLOW_USERNAME": "admin",
        "AIRFLOW_PASSWORD": "no-such-secret",
    }


@pytest.fixture
def desk(settings: dict[str, str], tmp_path: Path) -> Desk:
    """Return the desk of that app."""
    return Desk(origin=Origin(title="the test's app", settings=settings), root=tmp_path)


def gather(desk: Desk, names: Sequence[str] = NAMES) -> None:
    """Let files wait for their batch."""
    for name in names:
        desk.outbox.park(pending(name, lane=LANE).after(BatchOpen("x"), now=EARLIER))


def seal(desk: Desk) -> Pending:
    """Do as a drain does; return what it made."""
    sealer = Sealer(
        seals=Seals(desk.outbox_table),
        outbox=desk.outbox,
        settled=desk.settled,
        dead_letters=desk.dead_letters,
        routes=desk.routes,
        log=desk.log,
        now=desk.timing.now,
        conf_max_bytes=65_536,
    )
    sealer.run(LANE.key, desk.outbox.state(LANE), lambda: True)
    [row] = desk.outbox.rows(LANE.key, most=10)
    assert row.pending
    return row.pending


def _rows(storage_account: str) -> list[dict[str, object]]:
    return [row for row in read_rows(storage_account, OUTBOX) if row["RowKey"] != "!"]


def test_files_and_batches_are_listed_and_the_seal_is_not(run: Run, desk: Desk) -> None:
    """A batch is one row, with its first file and how many more."""
    gather(desk)
    Seals(desk.outbox_table).open(LANE, left=3)

    lines = [json.loads(line) for line in run("waiting", "--json").out.splitlines()]
    assert sorted((line["path"], line["reason"]) for line in lines) == [
        (f"landing/{name}", "batch_open") for name in NAMES
    ]
    [lane] = look(desk).lanes or ()
    assert (lane.route, lane.waiting.count) == ("night", 3)

    seal(desk)
    assert "csv and 2 more" in run("waiting").out.replace("\n", " ")


def test_retry_starts_a_batch_that_is_not_complete(run: Run, desk: Desk, storage_account: str) -> None:
    """The next drain looks at the lane, whatever its route says about the time."""
    gather(desk)
    desk.outbox.look_later(LaneState(lane=LANE), desk.timing.now() + timedelta(days=1))

    assert run("waiting", "retry", "--prefix", "landing/mon/1", "--yes").status == 0

    state = desk.outbox.state(LANE)
    assert state
    assert state.next_look
    assert state.next_look <= desk.timing.now()
    batch = seal(desk).batch
    assert batch
    assert sorted(file.filename for file in batch.files) == NAMES
    assert [str(row["RowKey"])[:2] for row in _rows(storage_account)] == ["r|"]


def test_drop_of_a_file_takes_it_out_of_its_batch(run: Run, desk: Desk, storage_account: str) -> None:
    """It is noted, so that an event that comes again starts nothing."""
    gather(desk)

    assert run("waiting", "drop", "--prefix", "landing/mon/1", "--why", "x", "--yes").status == 0
    gather(desk)
    assert run("waiting", "retry", "--all", "--yes").status == 0

    batch = seal(desk).batch
    assert batch
    assert sorted(file.filename for file in batch.files) == NAMES[1:]


def test_file_that_is_being_put_into_a_batch_is_not_dropped(run: Run, desk: Desk) -> None:
    """A drain has moved it and not finished: it is in the batch."""
    gather(desk)
    seals = Seals(desk.outbox_table)
    seals.open(LANE, left=3)
    opened = seals.read(LANE.key)
    assert opened
    assert seals.move(opened, seals.waiting(LANE.key))

    shown = run("waiting", "drop", "--all", "--why", "x", "--yes")

    assert shown.status == 1
    assert "put into a batch" in shown.out
    assert len(seals.files(opened)) == 3


def test_drop_of_a_batch_drops_all_of_its_files(run: Run, desk: Desk, storage_account: str) -> None:
    """The claims say who did it, not the run that is not to be made."""
    gather(desk)
    Seals(desk.outbox_table).open(LANE, left=3)
    seal(desk)

    assert run("waiting", "drop", "--all", "--why", "x", "--who", "ann", "--yes").status == 0

    claims = [desk.settled.find(event, LANE) for name in NAMES if (event := pending(name, lane=LANE).event)]
    assert [claim and (claim["reason"], claim["who"]) for claim in claims] == [("dropped", "ann")] * 3
    assert _rows(storage_account) == []


def test_replay_of_a_batch_keeps_its_run_id_and_its_files(run: Run, desk: Desk, storage_account: str) -> None:
    """It is one letter, found by the path of its first file."""
    gather(desk)
    Seals(desk.outbox_table).open(LANE, left=3)
    batch = seal(desk)
    desk.dead_letters.add(batch, RunRefused("params"), conf={"files": ["x"], "file_count": 3})
    desk.outbox.delete(desk.outbox.rows(LANE.key, most=10))

    assert run("dead", "replay", "--prefix", batch.path, "--yes").status == 0

    [row] = desk.outbox.rows(LANE.key, most=10)
    assert row.pending
    assert (row.pending.run_id, row.pending.batch) == (batch.run_id, batch.batch)
    assert read_rows(storage_account, DEAD_LETTERS) == []


def test_file_that_was_dropped_too_late_keeps_no_batch_from_its_replay(run: Run, desk: Desk) -> None:
    """Its claim says so, but the batch has the file, and the others, too."""
    gather(desk)
    seals = Seals(desk.outbox_table)
    first = seals.waiting(LANE.key)[0].pending
    assert first
    assert first.event
    seals.open(LANE, left=3)
    seal_read = seals.read(LANE.key)
    assert seal_read
    assert seals.move(seal_read, seals.waiting(LANE.key))
    desk.settled.claim(Claim(event=first.event, lane=LANE, reason="dropped", who="me"))
    batch = seal(desk)
    desk.dead_letters.add(batch, RunRefused("params"), conf={})
    desk.outbox.delete(desk.outbox.rows(LANE.key, most=10))

    assert run("dead", "replay", "--prefix", batch.path, "--yes").status == 0

    [row] = desk.outbox.rows(LANE.key, most=10)
    assert row.pending
    assert row.pending.batch == batch.batch


def test_row_of_a_batch_is_found_by_its_run_id(desk: Desk) -> None:
    """So that a trace of any of its files shows it."""
    gather(desk)
    Seals(desk.outbox_table).open(LANE, left=3)
    batch = seal(desk)

    assert batch.run_id
    found = [
        each.item.run_id for each in details(desk.outbox_table, "landing/mon/3.csv", run_ids={batch.run_id})
    ]
    assert found == [batch.run_id]
    assert list(details(desk.outbox_table, "landing/mon/3.csv")) == []
