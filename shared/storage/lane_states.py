"""The state of a lane as the entity `!` of a table, and back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.model.hold import FIRST_INTERVAL, LONGEST_INTERVAL, Hold, LaneState, PersonHold
from shared.model.lane import STATE, Lane, kind_of
from shared.storage.rows import storable
from shared.storage.tables import Entity


def columns_of_state(state: LaneState) -> dict[str, Any]:
    """Return the columns of what is set; the others are left out."""
    columns: dict[str, Any] = {"route": state.lane.route_id, "dag_id": state.lane.dag_id}
    if state.lane.group:
        columns["lane_group"] = state.lane.group
    if state.hold:
        columns |= {
            "hold_reason": state.hold.reason,
            "hold_message": storable(state.hold.message),
            "hold_since": state.hold.since,
            "hold_next": state.hold.next_probe,
            "hold_interval_seconds": int(state.hold.interval.total_seconds()),
            **({"hold_owner": state.hold.owner} if state.hold.owner else {}),
        }
    if state.person:
        columns |= {
            "person_who": state.person.who,
            "person_why": state.person.why,
            "person_since": state.person.since,
        }
    if state.moving_since:
        columns |= {"moving_since": state.moving_since, "moving_back": state.moving_back}
    if state.next_look:
        columns |= {"next_look": state.next_look}
    return columns


def read_state(entity: Entity) -> LaneState:
    """Return the state; what makes no sense is passed over, so that no edit can stop a lane for ever."""
    hold = person = None
    if reason := text_of(entity, "hold_reason"):
        interval = entity.get("hold_interval_seconds")
        hold = Hold(
            reason=reason,
            message=text_of(entity, "hold_message"),
            since=moment_of(entity, "hold_since") or _EPOCH,
            next_probe=moment_of(entity, "hold_next") or _EPOCH,
            interval=_interval(interval),
            owner=text_of(entity, "hold_owner"),
        )
    if who := text_of(entity, "person_who"):
        person = PersonHold(
            who=who, why=text_of(entity, "person_why"), since=moment_of(entity, "person_since") or _EPOCH
        )
    key = str(entity["PartitionKey"])
    return LaneState(
        lane=Lane(
            route_id=STATE if key == STATE else text_of(entity, "route"),
            dag_id=text_of(entity, "dag_id"),
            group=text_of(entity, "lane_group"),
            kind=kind_of(key),
        ),
        hold=hold,
        person=person,
        moving_since=moment_of(entity, "moving_since"),
        moving_back=entity.get("moving_back") is True,
        next_look=moment_of(entity, "next_look"),
        row_partition=key,
        etag=str(getattr(entity, "metadata", {}).get("etag", "")),
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def text_of(entity: Entity, column: str) -> str:
    """Return a text of a row that a person may have edited; empty where there is none."""
    value = entity.get(column)
    return value if isinstance(value, str) else ""


def moment_of(entity: Entity, column: str) -> datetime | None:
    """Return a time of a row that a person may have edited; None where there is none."""
    value = entity.get(column)
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _interval(seconds: object) -> timedelta:
    is_usable = isinstance(seconds, int) and 0 < seconds <= LONGEST_INTERVAL.total_seconds()
    return timedelta(seconds=seconds) if isinstance(seconds, int) and is_usable else FIRST_INTERVAL
