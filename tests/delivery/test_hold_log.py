"""A hold is a few lines in the log, not one for each event."""

from datetime import datetime, timedelta

import pytest

from shared.delivery.hold_log import HoldLog
from shared.event_log import EventLog
from shared.model.errors import DagMissing, Misconfigured, RetryableError
from shared.model.hold import LaneState
from shared.model.lane import Lane
from tests.support.clock import START

LANE = Lane(route_id="r", dag_id="d")


def _held(
    log: HoldLog,
    seconds: float,
    *,
    since: float = 0,
    error: RetryableError | None = None,
    is_new: bool = False,
) -> None:
    """Log the hold of a lane as it is after so many seconds."""
    state = LaneState(lane=LANE).after(error or DagMissing("no such DAG"), _at(since))
    log.held(state, _at(seconds), is_new=is_new)


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_hold_starts_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It names the lane, the reason and the next probe."""
    log = HoldLog(EventLog(), lambda _: 7)

    for seconds in range(30):
        _held(log, seconds)

    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert 'hold.started lane="r -> d" reason="dag_missing"' in record.getMessage()


def test_hold_that_lasts_is_an_error_every_ten_minutes(caplog: pytest.LogCaptureFixture) -> None:
    """A person must look; once is not enough, each probe would be too much."""
    log = EventLog()
    hold_log = HoldLog(log, lambda _: 7)

    for minute in range(60):
        _held(hold_log, minute * 60)

    assert log.counts == {"hold.started": 1, "hold.lasting": 6}
    assert {record.levelname for record in caplog.records[1:]} == {"ERROR"}
    assert all("waiting=7" in record.getMessage() for record in caplog.records[1:])


def test_instance_that_learns_late_says_at_once_that_the_hold_lasts() -> None:
    """It does not wait for ten more minutes."""
    log = EventLog()

    _held(HoldLog(log, lambda _: 7), 3_600)

    assert log.counts == {"hold.lasting": 1}


def test_wrong_settings_are_an_error_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """They do not pass by themselves."""
    _held(HoldLog(EventLog(), lambda _: 7), 0, error=Misconfigured("no password"))

    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_end_says_how_long_it_lasted(caplog: pytest.LogCaptureFixture) -> None:
    """And the next hold starts anew."""
    log = EventLog()
    hold_log = HoldLog(log, lambda _: 7)
    _held(hold_log, 0)

    with caplog.at_level("INFO"):
        hold_log.ended(LaneState(lane=LANE).after(DagMissing("x"), _at(0)), _at(45))
    _held(hold_log, 50, since=50)

    assert log.counts == {"hold.started": 2, "hold.ended": 1}
    assert any("seconds=45.0" in record.getMessage() for record in caplog.records)


def test_new_hold_is_said_although_another_instance_ended_the_last_one() -> None:
    """This instance never saw the end."""
    log = EventLog()
    hold_log = HoldLog(log, lambda _: 7)

    _held(hold_log, 0, is_new=True)
    _held(hold_log, 600, since=600, is_new=True)

    assert log.counts == {"hold.started": 2}


def test_state_without_a_hold_says_nothing() -> None:
    """A person's hold is that person's news."""
    log = EventLog()

    HoldLog(log, lambda _: 7).held(LaneState(lane=LANE), _at(0), is_new=True)
    HoldLog(log, lambda _: 7).ended(LaneState(lane=LANE), _at(0))

    assert log.counts == {}


def test_threads_that_set_a_hold_at_once_say_it_once() -> None:
    """Each reads the state before the other has written it, so each sets its own `since`."""
    log = EventLog()
    hold_log = HoldLog(log, lambda _: 7)

    _held(hold_log, 0, is_new=True)
    _held(hold_log, 45, since=45)

    assert log.counts == {"hold.started": 1}
