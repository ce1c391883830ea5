"""What becomes of a row that was tried: deleted, deferred, dead, or set aside."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from shared.model.errors import (
    AirflowMoved,
    AirflowUnclear,
    AirflowUnreachable,
    BadConf,
    CopyPending,
    DateTaken,
    PermanentError,
    RunRefused,
    StorageUnavailable,
)
from shared.model.lane import NEW
from shared.model.pending import Pending, Target
from shared.model.run_request import RunRequest
from shared.storage.tables import Entity
from tests.support.fakes import routes
from tests.support.harness import AIRFLOW_URL, DEFAULT, OutboxHarness, failing
from tests.support.samples import blob_event

OLD_URL = "https://old.example.com"


def test_row_that_fails_for_its_own_reason_waits_with_its_history() -> None:
    """The others are delivered."""
    harness = OutboxHarness()
    harness.park("a", "b")
    harness.airflow.answer = failing(DateTaken("x"), names={"a"})

    harness.drain()

    [row] = harness.waiting
    assert (row["name"], row["reason"]) == ("a", "date_taken")
    assert timedelta(seconds=10) < row["not_before"] - harness.clock.time() <= timedelta(seconds=20)
    assert harness.state() is None


def test_delay_grows_from_half_a_minute_to_five_minutes() -> None:
    """With each failure for the same reason."""
    harness = OutboxHarness()
    harness.park("a")
    harness.airflow.answer = failing(DateTaken("x"))
    calls: list[float] = []

    for _ in range(80):
        before = len(harness.airflow.calls)
        harness.drain()
        if len(harness.airflow.calls) > before:
            calls.append(harness.clock())
        harness.clock.now += 30

    delays = [after - before for before, after in pairwise(calls)]
    assert delays[0] <= 35
    assert 240 <= delays[-1] <= 300 + 30
    assert max(delays) <= 330


@pytest.mark.parametrize("error", [RunRefused("no such param"), BadConf("too large")])
def test_refused_run_becomes_a_dead_letter_with_its_conf(error: PermanentError) -> None:
    """Then its row goes."""
    harness = OutboxHarness()
    harness.park("a", "b")
    harness.airflow.answer = failing(error, names={"a"})

    harness.drain()

    [letter] = harness.dead
    assert (letter["name"], letter["reason"]) == ("a", error.code)
    assert '"filename": "a"' in letter["conf"]
    assert harness.waiting == []
    assert len(harness.airflow.runs) == 1


def test_dead_letter_is_written_before_its_row_goes() -> None:
    """A crash in between leaves both; the other order loses the event."""
    harness = OutboxHarness()
    harness.park("a")
    harness.airflow.answer = failing(RunRefused("no"))

    def fault(name: str, entity: Entity | None) -> None:
        msg = "down"
        raise StorageUnavailable(msg)

    harness.storage.dead.faults.append(fault)
    harness.drain()
    assert [row["name"] for row in harness.waiting] == ["a"]

    harness.storage.dead.faults.clear()
    harness.pass_time(120)
    assert harness.waiting == []
    assert len(harness.dead) == 1


@pytest.mark.parametrize(
    "columns",
    [
        {"name": 7},
        {"event": "{}"},
        {"event": "not json"},
        {"event": '{"account": 1}'},
        {"history": "[]"},
        {"not_before": "soon"},
        {"not_before": 7},
        {"not_before": float("nan")},
        {"dag_id": "another_dag"},
        {"route": "another_route"},
        {"sent_0": "[]"},
    ],
)
def test_row_that_makes_no_sense_is_set_aside_and_the_drain_goes_on(columns: dict[str, Any]) -> None:
    """Edited by hand, or of a foreign version: kept as it is for a person, and never a loop."""
    harness = OutboxHarness()
    harness.park("a", "b", "c")
    [_, broken, _] = harness.waiting
    broken |= columns

    harness.drain()

    assert sorted(harness.sent) == ["a", "c"]
    assert harness.waiting == []
    [letter] = harness.dead
    assert letter["RowKey"] == broken["RowKey"]
    assert letter["reason"] == "bad_event"


@pytest.mark.parametrize("column", ["colour", "format_2", "event_time_zone"])
def test_row_with_columns_of_a_newer_version_is_delivered(column: str) -> None:
    """Read if possible."""
    harness = OutboxHarness()
    harness.park("a")
    harness.waiting[0][column] = "new"
    harness.waiting[0]["format"] = 2

    harness.drain()

    assert harness.sent == ["a"]
    assert harness.dead == []


def test_time_far_ahead_is_due() -> None:
    """A row must not wait for ever because somebody edited it."""
    harness = OutboxHarness()
    harness.park("a")
    harness.waiting[0]["not_before"] = harness.clock.time() + timedelta(days=3_650)

    harness.drain()

    assert harness.sent == ["a"]


def test_event_by_name_is_looked_at_and_delivered_in_the_same_drain() -> None:
    """It was written while storage or the settings were of no use."""
    harness = OutboxHarness()
    harness.storage.reader.blobs["a"] = blob_event(name="a")
    harness.outbox.park(Pending(container="landing", name="a"))

    harness.drain()

    assert harness.storage.reader.looks == ["a"]
    assert harness.sent == ["a"]
    assert harness.waiting == []


def test_blob_that_is_gone_is_forgotten_but_not_one_that_cannot_be_seen() -> None:
    """There is a difference between no blob and no answer."""
    harness = OutboxHarness()
    harness.outbox.park(Pending(container="landing", name="a"))
    harness.storage.reader.error = StorageUnavailable("down")

    harness.drain()
    assert [row["reason"] for row in harness.waiting] == ["storage_unavailable"]

    harness.storage.reader.error = None
    harness.pass_time(330)
    assert harness.waiting == []
    assert harness.log.counts["blob.gone"] == 1


def test_name_that_can_be_no_blob_becomes_a_dead_letter() -> None:
    """Nothing would ever make it readable."""
    harness = OutboxHarness()
    harness.outbox.park(Pending(container="landing", name="a"))
    harness.storage.reader.error = BadConf("no such name")

    harness.drain()

    assert harness.waiting == []
    assert [letter["name"] for letter in harness.dead] == ["a"]


def test_pending_copy_waits_by_name() -> None:
    """Its end changes the ETag, so it is another version then."""
    harness = OutboxHarness()
    harness.outbox.park(Pending(container="landing", name="a"))
    harness.storage.reader.error = CopyPending("x")
    harness.drain()
    [row] = harness.waiting
    assert row["PartitionKey"] == NEW.key
    assert row["reason"] == "copy_pending"

    harness.storage.reader.error = None
    harness.storage.reader.blobs["a"] = blob_event(name="a", etag="0x2")
    harness.pass_time(330)
    assert [run.conf["etag"] for run in harness.airflow.calls] == ["0x2"]


def test_run_that_may_have_been_sent_is_marked_although_the_last_attempt_was_not() -> None:
    """A reset, then a refused connection: the first request may have been carried out all the same."""
    harness = OutboxHarness()
    harness.park("a")
    errors = iter([AirflowUnclear("reset")])

    def answer(run: RunRequest) -> None:
        msg = "refused"
        raise next(errors, AirflowUnreachable(msg))

    harness.airflow.answer = answer
    harness.drain()

    [row] = harness.waiting
    target = Target(dag_id=DEFAULT.dag_id, airflow=AIRFLOW_URL)
    assert f"sent_{target.digest}" in row


def test_run_that_may_be_in_another_airflow_waits_and_says_where() -> None:
    """Posting it here could run it twice; forgetting it could lose it."""
    harness = OutboxHarness()
    target = Target(dag_id=DEFAULT.dag_id, airflow=OLD_URL)
    event = blob_event(name="a")
    harness.outbox.park(
        Pending(container="landing", name="a", event=event, lane=DEFAULT, sent_to=frozenset({target}))
    )

    harness.drain()

    assert harness.airflow.calls == []
    [row] = harness.waiting
    assert row["reason"] == AirflowMoved.code
    assert "AIRFLOW_FORMER_URLS" in row["message"]


def test_former_address_of_the_same_airflow_is_the_same_airflow() -> None:
    """After a move to another name, what may have been sent is settled there."""
    harness = OutboxHarness(AIRFLOW_FORMER_URLS=OLD_URL)
    target = Target(dag_id=DEFAULT.dag_id, airflow=OLD_URL)
    event = blob_event(name="a")
    harness.outbox.park(
        Pending(container="landing", name="a", event=event, lane=DEFAULT, sent_to=frozenset({target}))
    )

    harness.drain()

    assert harness.sent == ["a"]


@pytest.mark.parametrize(
    ("when_paused", "is_marked", "calls"), [("drop", True, 1), ("drop", False, 0), ("hold", True, 1)]
)
def test_run_that_may_have_been_sent_is_not_asked_about_or_dropped(
    when_paused: str,
    is_marked: bool,  # noqa: FBT001
    calls: int,
) -> None:
    """The pause of its DAG does not matter any more: the same run id settles it."""
    toml = f'[[route]]\nname = "default"\nmatch = "**"\ndag_id = "copy_file"\nwhen_paused = "{when_paused}"\n'
    harness = OutboxHarness(routes(toml))
    harness.airflow.paused = {"copy_file"}
    target = Target(dag_id=DEFAULT.dag_id, airflow=AIRFLOW_URL)
    event = blob_event(name="a")
    sent_to = frozenset({target}) if is_marked else frozenset()
    harness.outbox.park(Pending(container="landing", name="a", event=event, lane=DEFAULT, sent_to=sent_to))

    harness.drain()

    assert len(harness.airflow.calls) == calls
    assert harness.waiting == []
