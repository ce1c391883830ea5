"""A person's holds, for maintenance: nothing is sent, everything is kept."""

from collections.abc import Iterable
from dataclasses import dataclass

from operate.errors import DeskError
from shared.model.hold import PersonHold
from shared.model.lane import EVERYTHING, NEW, Lane
from shared.routes.route import Route
from shared.routes.table import RouteTable
from shared.storage.outbox import Head, Outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What came of one lane.

    Attributes:
        lane: For people.
        is_done: Whether it is now as was asked.
        note: Who holds it, or held it, since when and why.
    """

    lane: str
    is_done: bool
    note: str


def lanes_of(names: Iterable[str], *, routes: RouteTable, outbox: Outbox) -> list[Lane]:
    """Return the lanes of routes, by name or id: those of their DAGs, and those that have rows or a state.

    Raises:
        DeskError: There is no such route, nor anything that waits for one.
    """
    known = [lane for head in outbox.lanes() if (lane := _lane(head))]
    found: dict[str, Lane] = {}
    for name in names:
        route = next((each for each in routes.routes if name in {each.name, each.id}), None)
        route_id = route.id if route else name
        lanes = [Lane(route_id=route_id, dag_id=dag_id) for dag_id in sorted(_dags(route))]
        lanes += [lane for lane in known if lane.route_id == route_id]
        if not lanes:
            there = ", ".join(each.name for each in routes.routes if each.dag_id)
            msg = f"There is no route {name!a}, and nothing waits for one. There are: {there}."
            raise DeskError(msg)
        found |= {lane.key: lane for lane in lanes}
    return list(found.values())


def _lane(head: Head) -> Lane | None:
    """Return the lane that a row or a state names; None where somebody has edited its columns."""
    pending = head.row.pending if head.row else None
    lane = pending.lane if pending else head.state.lane if head.state else None
    return lane if lane and lane.key == head.partition and lane not in (NEW, EVERYTHING) else None


def _dags(route: Route | None) -> set[str]:
    if route is None or route.dag_id is None:
        return set()
    return {route.fixed_dag_id} if route.fixed_dag_id else set(route.dag_ids)


def hold(outbox: Outbox, lanes: Iterable[Lane], person: PersonHold) -> list[Change]:
    """Hold lanes; those that somebody holds already are left as they are, and said."""
    changes = []
    for lane in lanes:
        holder = outbox.hold_by_person(lane, person)
        note = _said(holder) if holder else "held"
        changes.append(Change(lane=str(lane), is_done=holder is None, note=note))
    return changes


def release(outbox: Outbox, lanes: Iterable[Lane]) -> list[Change]:
    """Take the holds of persons away; the app's own stay, and end by themselves."""
    changes = []
    for lane in lanes:
        state = outbox.state(lane)
        if state is None or state.person is None:
            changes.append(Change(lane=str(lane), is_done=True, note="nobody holds it"))
            continue
        outbox.release(lane.key)
        changes.append(Change(lane=str(lane), is_done=True, note=f"released; {_said(state.person)}"))
    return changes


def _said(person: PersonHold) -> str:
    return f"held by {person.who} since {person.since:%Y-%m-%d %H:%M} UTC: {person.why}"
