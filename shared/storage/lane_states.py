"""The state of a lane as the entity `!` of a table, and back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.model.hold import FIRST_INTERVAL, LONGEST_INTERVAL, Hold, LaneState, PersonHold
from shared.model.lane import STATE, Lane
from shared.storage.rows import storable
from shared.storage.tables import Entity


def columns_of_state(state: LaneState) -> dict[str, Any]:
    """Return the columns of what is set; the others are left out."""
    columns: dict[str, Any] = {"route": state.lane.route_id, "dag_id": state.lane.dag_id}
    if state.hold:
        columns |= {
            "hold_reason": state.hold.reason,
            "hold_message": storable(state.hold.message),
            "hold_since": state.hold.since,
            "hold_next": state.hold.next_probe,
            "hold_interval_seconds": int(state.hold.interval.total_seconds()),
        }
    if state.person:
        columns |= {
            "person_who": state.person.who,
            "person_why": state.person.why,
            "person_since": state.person.since,
        }
    if state.moving_since:
        columns |= {"moving_since": state.moving_since, "moving_back": state.moving_back}
    return columns


def read_state(entity: Entity) -> LaneState:
    """Return the state; what makes no sense is passed over, so that no edit can stop a lane for ever."""
    hold = person = None
    if reason := _text(entity, "hold_reason"):
        interval = entity.get("hold_interval_seconds")
        hold = Hold(
            reason=reason,
            message=_text(entity, "hold_message"),
            since=_moment(entity, "hold_since") or _EPOCH,
            next_probe=_moment(entity, "hold_next") or _EPOCH,
            interval=_interval(interval),
        )
    if who := _text(entity, "person_who"):
        person = PersonHold(
            who=who, why=_text(entity, "person_why"), since=_moment(entity, "person_since") or _EPOCH
        )
    key = str(entity["PartitionKey"])
    return LaneState(
        lane=Lane(route_id=STATE if key == STATE else _text(entity, "route"), dag_id=_text(entity, "dag_id")),
        hold=hold,
        person=person,
        moving_since=_moment(entity, "moving_since"),
        moving_back=entity.get("moving_back") is True,
        row_partition=key,
        etag=str(getattr(entity, "metadata", {}).get("etag", "")),
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _text(entity: Entity, column: str) -> str:
    value = entity.get(column)
    return value if isinstance(value, str) else ""


def _moment(entity: Entity, column: str) -> datetime | None:
    value = entity.get(column)
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _interval(seconds: object) -> timedelta:
    is_usable = isinstance(seconds, int) and 0 < seconds <= LONGEST_INTERVAL.total_seconds()
    return timedelta(seconds=seconds) if isinstance(seconds, int) and is_usable else FIRST_INTERVAL
