"""Dead letters, in memory and in Azurite: everything that a person needs, and nothing is lost on the way."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.event_log import EventLog
from shared.model.errors import BadConf, BadEvent, RouteGone, RunRefused, StorageUnavailable
from shared.model.lane import NEW
from shared.model.pending import Pending
from shared.storage.dead_letters import UNREADABLE, DeadLetters
from shared.storage.outbox import Outbox
from shared.storage.rows import read_long_text, read_row
from shared.storage.tables import Entity, Table
from tests.storage.conftest import before
from tests.storage.row_samples import FULL, LANE, RICH, entity
from tests.support.clock import START, FakeClock

REFUSED = RunRefused("Invalid input for param filename")
CONF = {"filename": "ü 😀.csv", "when": START, "n": 1}
SMALL = replace(RICH, metadata={})
LARGE = replace(RICH, metadata={f"k{number}": "😀" * 4_000 for number in range(10)})


@pytest.fixture
def log() -> EventLog:
    """Return the log."""
    return EventLog()


@pytest.fixture
def dead(table: Table, clock: FakeClock, log: EventLog) -> DeadLetters:
    """Return the dead letters."""
    return DeadLetters(table, log, now=clock.time)


def all_letters(table: Table, partition: str = LANE.key) -> list[Entity]:
    """Return every letter of a partition."""
    where = "PartitionKey eq @lane and RowKey gt @after and RowKey lt @end"
    return table.query(where, {"lane": partition, "after": "", "end": "~"}, most=100)


def only(table: Table, partition: str = LANE.key) -> Any:
    """Return the only letter of a partition, with its metadata."""
    [letter] = all_letters(table, partition)
    return letter


def test_letter_has_everything_that_is_known(dead: DeadLetters, table: Table, log: EventLog) -> None:
    """The columns of its row, the reason in Airflow's own words, and the conf that was refused."""
    dead.add(FULL, REFUSED, conf=CONF, key="r|1")

    letter = only(table)
    assert (letter["RowKey"], letter["died_at"]) == ("r|1", START)
    assert (letter["reason"], letter["message"]) == ("run_refused", "Invalid input for param filename")
    assert letter["conf"] == '{"filename": "ü 😀.csv", "when": "2026-11-20 06:00:00+00:00", "n": 1}'
    assert read_row(letter).pending == replace(FULL.after(REFUSED, now=START))
    assert log.counts == {"run.dead": 1}


def test_letter_has_the_keys_of_its_row(dead: DeadLetters, table: Table, clock: FakeClock) -> None:
    """Who replays it finds the row that a second delivery of the event may have made meanwhile."""
    Outbox(table, now=clock.time).park(FULL)
    [row] = Outbox(table, now=clock.time).rows(LANE.key, most=9)

    dead.add(FULL, REFUSED)

    assert only(table)["RowKey"] == row.key


def test_version_that_dies_again_is_merged(dead: DeadLetters, table: Table, clock: FakeClock) -> None:
    """One letter with the newest reason; where it may have been sent before is not forgotten."""
    dead.add(FULL, REFUSED, conf=CONF, key="r|1")
    first = only(table)
    clock.sleep(60)
    dead.add(replace(FULL, sent_to=frozenset()), RouteGone("gone"), key="r|1")

    letter = only(table)
    assert (letter["reason"], letter["message"]) == ("route_gone", "gone")
    assert letter["died_at"] == START + timedelta(seconds=60)
    assert read_row(letter).pending.sent_to == FULL.sent_to  # type: ignore[union-attr]
    assert letter.metadata["etag"] != first.metadata["etag"]


def test_same_death_again_moves_the_etag(dead: DeadLetters, table: Table) -> None:
    """A replay that is deleting the old letter must notice, or the version is lost."""
    dead.add(FULL, REFUSED, conf=CONF, key="r|1")
    first = only(table).metadata["etag"]

    dead.add(FULL, REFUSED, conf=CONF, key="r|1")

    assert only(table).metadata["etag"] != first


@pytest.mark.parametrize(
    "lengths", [(50_000, 10), (10, 50_000), (15_991, 10), (40_000, 20_000), (40_000, 15_991)]
)
def test_conf_is_that_of_the_last_death(dead: DeadLetters, table: Table, lengths: tuple[int, int]) -> None:
    """Over as many columns as it needs; nothing of a longer one is left behind it."""
    for length in lengths:
        dead.add(FULL, REFUSED, conf={"k": "😀" * length}, key="r|1")

    assert read_long_text("conf", only(table)) == '{"k": "' + "😀" * lengths[-1] + '"}'


@pytest.mark.parametrize("events", [(LARGE, SMALL), (SMALL, LARGE)])
def test_event_is_that_of_the_last_death(dead: DeadLetters, table: Table, events: tuple[Any, Any]) -> None:
    """A source may know less about the same version; the letter stays readable."""
    for event in events:
        dead.add(replace(FULL, event=event), REFUSED, key="r|1")

    row = read_row(only(table))
    assert row.fault == ""
    assert row.pending
    assert row.pending.event == events[-1]


def test_largest_conf_that_may_be_sent_fits(dead: DeadLetters, table: Table) -> None:
    """With the largest event beside it."""
    conf = {"k": "x" * 262_000}

    dead.add(replace(FULL, event=LARGE), REFUSED, conf=conf, key="r|1")

    assert len(read_long_text("conf", only(table))) == 262_009


def test_conf_that_is_far_too_large_leaves_the_letter_whole(dead: DeadLetters, table: Table) -> None:
    """It was never sent; a letter that cannot be written would come back for ever."""
    dead.add(FULL, REFUSED, conf=CONF, key="r|1")
    dead.add(FULL, BadConf("The conf has 900000 bytes."), conf={"k": "x" * 900_000}, key="r|1")

    letter = only(table)
    assert letter["reason"] == "bad_conf"
    assert read_long_text("conf", letter) == ""


def test_conf_that_is_no_json_is_kept_as_far_as_it_goes(dead: DeadLetters, table: Table) -> None:
    """That is what it died of."""
    dead.add(FULL, BadConf("no JSON \ud800"), conf={"a": {1}, "b": "\ud800", "c": float("nan")}, key="r|1")

    letter = only(table)
    assert letter["conf"] == '{"a": "{1}", "b": "?", "c": NaN}'
    assert letter["message"] == "no JSON ?"


def test_event_by_name_has_a_letter_too(dead: DeadLetters, table: Table) -> None:
    """One for each row; without a row, one for each blob."""
    named = Pending(container="landing", name="ü/a.csv")

    dead.add(named, BadEvent("x"), key="r|1")
    dead.add(named, BadEvent("x"))
    dead.add(named, BadEvent("y"))

    letters = all_letters(table, NEW.key)
    assert sorted(letter["message"] for letter in letters) == ["x", "y"]
    assert {letter["name"] for letter in letters} == {"ü/a.csv"}


def test_letter_that_is_deleted_while_it_is_merged_is_written_anew(dead: DeadLetters, table: Table) -> None:
    """A replay has just put the row back: its next death must not get lost."""
    dead.add(FULL, REFUSED, key="r|1")
    old = only(table)
    keys = {"PartitionKey": LANE.key, "RowKey": "r|1"}
    before(table, "merge", lambda: table.delete(keys, etag=old.metadata["etag"]))

    dead.add(FULL, RouteGone("again"), conf=CONF, key="r|1")

    assert only(table)["message"] == "again"
    assert read_row(only(table)).pending


def test_letter_that_cannot_be_written_is_an_error(dead: DeadLetters, table: Table, log: EventLog) -> None:
    """The caller keeps the row, and nothing is logged as dead that is not."""
    for operation in ("insert", "merge"):
        before(table, operation, _fail, times=9)

    with pytest.raises(StorageUnavailable):
        dead.add(FULL, REFUSED)
    with pytest.raises(StorageUnavailable):
        dead.add_row(read_row(entity()), BadEvent("x"))
    with pytest.raises(StorageUnavailable):
        dead.add_unreadable(b"x", BadEvent("x"), source="s")

    assert log.counts == {}


def test_row_that_cannot_be_read_is_kept_column_by_column(
    dead: DeadLetters, table: Table, log: EventLog, clock: FakeClock
) -> None:
    """With their types; a person may repair it by hand."""
    cells = {"x": 1.5, "odd": float("inf"), "bytes": b"\xff", "yes": True, "big": (2**40, "Edm.Int64")}
    table.insert({**entity(history="x"), **cells})
    row = read_row(only(table))
    Outbox(table, now=clock.time).delete([row])

    dead.add_row(row, BadEvent(f"{row.fault} \ud800"))

    letter = only(table)
    own = {"reason", "message", "died_at"}
    assert {k: v for k, v in letter.items() if k not in own} == {
        k: v for k, v in row.entity.items() if k not in own
    }
    assert (letter["reason"], letter["message"], letter["died_at"]) == ("bad_event", f"{row.fault} ?", START)
    assert log.counts == {"event.unreadable": 1}


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff garbage \x80", "ü😀".encode("utf-16"), b"x" * 40_000, bytes(range(256)) * 2_048]
)
def test_unreadable_body_is_kept_byte_for_byte(dead: DeadLetters, table: Table, body: bytes) -> None:
    """Nobody can say what it was worth."""
    dead.add_unreadable(body, BadEvent("no JSON"), source="airflow-events", where="letter.json")

    letter = only(table, UNREADABLE)
    assert b"".join(letter[f"body_{index}" if index else "body"] for index in range(_bodies(letter))) == body
    assert (letter["source"], letter["where"]) == ("airflow-events", "letter.json")
    assert (letter["reason"], letter["message"]) == ("bad_event", "no JSON")


def test_body_that_is_too_large_stays_where_it_is(dead: DeadLetters, table: Table) -> None:
    """Its letter says where."""
    dead.add_unreadable(b"x" * (512 * 1024 + 1), BadEvent("too large"), source="eventgrid", where="a.json")

    letter = only(table, UNREADABLE)
    assert _bodies(letter) == 0
    assert letter["where"] == "a.json"


def test_each_body_that_was_not_read_has_a_letter(dead: DeadLetters, table: Table) -> None:
    """Two that are too large are not one, only because nothing of them is known."""
    for where in ("a.json", "b.json", "a.json"):
        dead.add_unreadable(b"", BadEvent("too large"), source="eventgrid", where=where)

    assert sorted(letter["where"] for letter in all_letters(table, UNREADABLE)) == ["a.json", "b.json"]


def test_same_body_is_one_letter(dead: DeadLetters, table: Table) -> None:
    """A message that could not be deleted comes again and again."""
    for _ in range(3):
        dead.add_unreadable(b"garbage", BadEvent("x"), source="airflow-events")

    assert only(table, UNREADABLE)["RowKey"] == hashlib.sha256(b"garbage").hexdigest()[:32]


def _bodies(letter: Entity) -> int:
    return sum(name == "body" or name.startswith("body_") for name in letter)


def _fail() -> None:
    msg = "The table is busy."
    raise StorageUnavailable(msg)


def test_row_with_as_many_columns_as_a_table_takes_becomes_a_letter(dead: DeadLetters, table: Table) -> None:
    """It would be tried again at each drain."""
    columns = {f"column_{number}": "x" for number in range(250)}
    row = read_row({"PartitionKey": LANE.key, "RowKey": "r|x", **columns})

    dead.add_row(row, BadEvent("It names no blob."))

    assert only(table)["reason"] == "bad_event"
